import { expect, test } from 'vitest';
import { median } from './median.ts';

test('median() takes the middle, or the mean of the two in the middle', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 10, 3])).toBe(3.5);
  expect(() => median([])).toThrow(RangeError);
});
