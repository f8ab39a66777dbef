import { describe, expect, test } from 'vitest';
import { learningRateAt } from './learning-rate-schedule.ts';

describe('learningRateAt()', () => {
  const schedule = { learningRate: 0.2, warmUpFraction: 0.25 };

  test('rises linearly to the full rate and falls to zero along half a cosine', () => {
    expect(learningRateAt(0, schedule)).toBe(0);
    expect(learningRateAt(0.125, schedule)).toBeCloseTo(0.1, 12);
    expect(learningRateAt(0.25, schedule)).toBeCloseTo(0.2, 12);
    expect(learningRateAt(0.625, schedule)).toBeCloseTo(0.1, 12);
    expect(learningRateAt(1, schedule)).toBeCloseTo(0, 12);
  });

  test('starts at the full rate without a warm-up', () => {
    expect(learningRateAt(0, { learningRate: 0.2, warmUpFraction: 0 })).toBe(0.2);
  });

  test('refuses progress outside the stage', () => {
    expect(() => learningRateAt(1.01, schedule)).toThrow(RangeError);
    expect(() => learningRateAt(Number.NaN, schedule)).toThrow(RangeError);
  });
});
