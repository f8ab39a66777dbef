import { describe, expect, test } from 'vitest';
import { averagePrecision } from './average-precision.ts';

describe('averagePrecision()', () => {
  test('is 1 when all positives come first', () => {
    expect(averagePrecision([4, 3, 2, 1], [1, 1, 0, 0])).toBe(1);
  });

  test('weights the precision at each positive by the recall gained there', () => {
    // Positives at places 1 and 3: precisions 1 and 2/3.
    expect(averagePrecision([4, 3, 2, 1], [1, 0, 1, 0])).toBeCloseTo(5 / 6, 12);
  });

  test('is the share of positives when all scores are equal', () => {
    expect(averagePrecision([7, 7, 7, 7], [1, 0, 0, 0])).toBe(0.25);
  });

  test('refuses one class', () => {
    expect(() => averagePrecision([1, 2], [0, 0])).toThrow(RangeError);
  });
});
