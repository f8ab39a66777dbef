import { describe, expect, test } from 'vitest';
import { goldenTest } from '../../test/golden.ts';
import '../../test/all-close.ts';
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

  goldenTest('opt_schedules', 'agrees with the half-cosine schedule of MAE, MaCo and MoCo v3', (golden) => {
    const { base, warmup, total, value_scale: scale } = golden.config as Record<string, number>;
    const rates = Array.from(golden.values('input.fractional_epoch'), (epoch) =>
      learningRateAt(epoch / total!, { learningRate: base! * scale!, warmUpFraction: warmup! / total! }),
    );
    expect(rates).toBeAllClose(golden.values('output.half_cosine'), golden.outputTolerance);
  });
});
