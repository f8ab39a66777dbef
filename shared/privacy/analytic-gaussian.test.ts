import { describe, expect, test } from 'vitest';
import { analyticGaussianNoise } from './analytic-gaussian.ts';

describe('analyticGaussianNoise()', () => {
  test.each([
    { epsilon: 1, delta: 1e-5, noise: 3.730631634944469 },
    { epsilon: 8, delta: 1e-3, noise: 0.4800137524911866 },
  ])('for epsilon $epsilon and delta $delta is $noise', ({ noise, ...budget }) => {
    expect(Math.abs(analyticGaussianNoise(budget) / noise - 1)).toBeLessThan(1e-9);
  });

  test('for three releases of noise root three, which together are one of noise one', () => {
    expect(analyticGaussianNoise({ epsilon: 1, delta: 0.126936 })).toBeCloseTo(1, 5);
  });

  test('refuses budgets that are none', () => {
    expect(() => analyticGaussianNoise({ epsilon: 0, delta: 1e-5 })).toThrow(RangeError);
    expect(() => analyticGaussianNoise({ epsilon: 1, delta: 1 })).toThrow(RangeError);
  });
});
