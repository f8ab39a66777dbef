import { describe, expect, test } from 'vitest';
import { distributedDiscreteGaussianRdp, roundedL2Bound } from './distributed-discrete-gaussian.ts';
import { epsilonOfRdp } from './rdp.ts';

/** The reference uses whole orders. */
const orders = Array.from({ length: 62 }, (_, index) => index + 2);

describe('distributedDiscreteGaussianRdp()', () => {
  test.each([
    { sites: 20, size: 2 ** 20, step: 2 ** -20, noise: 4, rounds: 50, delta: 1e-3, epsilon: 7.186612, order: 3 },
    { sites: 100, size: 2 ** 20, step: 2 ** -16, noise: 8, rounds: 100, delta: 1e-5, epsilon: 6.159277, order: 5 },
    { sites: 10, size: 2 ** 16, step: 2 ** -10, noise: 4, rounds: 50, delta: 1e-3, epsilon: 7.264998, order: 3 },
  ])('$sites sites, noise $noise times the clip, steps of $step', ({
    sites,
    size,
    step,
    noise,
    rounds,
    ...expected
  }) => {
    const l2Sensitivity = roundedL2Bound(1 / step, size);
    const siteNoise = noise / step / Math.sqrt(sites);
    const rdp = orders.map(
      (alpha) => rounds * distributedDiscreteGaussianRdp({ sites, siteNoise, l2Sensitivity, size }, alpha),
    );
    const { epsilon, order } = epsilonOfRdp(rdp, { delta: expected.delta, orders });
    expect(Math.abs(epsilon / expected.epsilon - 1)).toBeLessThan(1e-6);
    expect(order).toBe(expected.order);
  });

  test('pays more for noise that is coarse beside the integers, and with fewer honest sites', () => {
    const fine = { sites: 10, siteNoise: 0.8, l2Sensitivity: 1, size: 100 };
    const paid = (mechanism: typeof fine) => distributedDiscreteGaussianRdp(mechanism, 2);
    expect(paid({ ...fine, siteNoise: 0.4 })).toBeGreaterThan(4.1 * paid(fine));
    expect(paid({ ...fine, sites: 5 })).toBeGreaterThan(paid(fine));
    expect(paid({ ...fine, sites: 1 })).toBeCloseTo(1 / 0.8 ** 2, 14);
  });

  test('refuses sums without sites', () => {
    expect(() => distributedDiscreteGaussianRdp({ sites: 0, siteNoise: 1, l2Sensitivity: 1, size: 1 }, 2)).toThrow(
      RangeError,
    );
  });
});

describe('roundedL2Bound()', () => {
  test.each([
    [100, 1000, 101.81262882521423],
    [65536, 1000, 65536.50202605712],
  ])('of %d in %d numbers is %d', (l2Norm, size, bound) => {
    expect(Math.abs(roundedL2Bound(l2Norm, size) / bound - 1)).toBeLessThan(1e-14);
  });

  test('is never above the norm and one step a number', () => {
    expect(roundedL2Bound(0, 4)).toBeLessThanOrEqual(2);
  });
});
