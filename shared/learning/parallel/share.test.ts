import { expect, test } from 'vitest';
import { shareOf } from './share.ts';

test.each([
  [16, 3],
  [5, 4],
  [2, 4],
  [7, 7],
  [0, 2],
])('shareOf() divides %i rows among %i members without gap, overlap or two of difference', (total, members) => {
  const shares = Array.from({ length: members }, (_, member) => shareOf(total, { member, members }));
  let next = 0;
  for (const { first, count } of shares) {
    expect(first).toBe(next);
    next += count;
  }
  expect(next).toBe(total);
  const counts = shares.map(({ count }) => count);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
});
