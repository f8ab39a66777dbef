import { describe, expect, test } from 'vitest';
import { axisTicks } from './axis-ticks.ts';

describe('axisTicks()', () => {
  test.each([
    [0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [1, 8, 7, [1, 2, 3, 4, 5, 6, 7, 8]],
    [1.93, 3.12, 4, [2, 2.5, 3]],
    [-0.3, 0.3, 3, [-0.2, 0, 0.2]],
    [0, 1200, 4, [0, 500, 1000]],
  ])('places round values between %d and %d', (low, high, count, ticks) => {
    expect(axisTicks(low, high, count)).toEqual(ticks);
  });

  test('refuses an empty range', () => {
    expect(() => axisTicks(1, 1, 4)).toThrow(RangeError);
    expect(() => axisTicks(0, Number.NaN, 4)).toThrow(RangeError);
  });
});
