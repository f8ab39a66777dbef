import { describe, expect, test } from 'vitest';
import { subsampledGaussianRdp } from './subsampled-gaussian.ts';

/** Numeric integration and binomial sums with 40 digits (mpmath). */
const precise = [
  { noiseMultiplier: 1, samplingRate: 0.01, alpha: 2, rdp: 0.00017181342207454794 },
  { noiseMultiplier: 1, samplingRate: 0.01, alpha: 64, rdp: 27.32173187455178 },
  { noiseMultiplier: 4, samplingRate: 0.001, alpha: 1024, rdp: 25.0854922720648 },
  { noiseMultiplier: 1.5, samplingRate: 0.04, alpha: 3.9, rdp: 0.0018332021995838587 },
  { noiseMultiplier: 0.7, samplingRate: 0.2, alpha: 10.9, rdp: 9.350441588454961 },
  { noiseMultiplier: 0.5, samplingRate: 0.5, alpha: 1.1, rdp: 0.7926317795715202 },
  { noiseMultiplier: 0.3, samplingRate: 0.3, alpha: 1.5, rdp: 4.8407399812587455 },
  { noiseMultiplier: 0.1, samplingRate: 1.024e-5, alpha: 1.25, rdp: 6.0497073317456485 },
  { noiseMultiplier: 0.05, samplingRate: 0.7, alpha: 3.3, rdp: 659.4882489934793 },
  { noiseMultiplier: 20, samplingRate: 0.5, alpha: 1.1, rdp: 0.0003438788673376491 },
];

describe('subsampledGaussianRdp()', () => {
  test.each(precise)('of %o', ({ alpha, rdp, ...mechanism }) => {
    const relative = Math.abs(subsampledGaussianRdp(mechanism, alpha) / rdp - 1);
    expect(relative).toBeLessThan(Number.isInteger(alpha) ? 1e-12 : 1e-8);
  });

  test('is nothing where nobody is sampled and the plain Gaussian where everybody is', () => {
    expect(subsampledGaussianRdp({ noiseMultiplier: 2, samplingRate: 0 }, 3)).toBe(0);
    expect(subsampledGaussianRdp({ noiseMultiplier: 2, samplingRate: 1 }, 3)).toBe(3 / 8);
  });

  test('rises with the order, without a step where whole orders take the other formula', () => {
    const at = (alpha: number) => subsampledGaussianRdp({ noiseMultiplier: 1, samplingRate: 0.1 }, alpha);
    for (const whole of [2, 3, 7]) {
      expect(at(whole - 1e-6)).toBeLessThan(at(whole));
      expect(at(whole)).toBeLessThan(at(whole + 1e-6));
      expect(at(whole + 1e-6) / at(whole - 1e-6) - 1).toBeLessThan(1e-4);
    }
  });

  test.each([
    [{ noiseMultiplier: 0, samplingRate: 0.1 }, 2, 'noise multiplier above 0, found 0'],
    [{ noiseMultiplier: Number.NaN, samplingRate: 0.1 }, 2, 'noise multiplier'],
    [{ noiseMultiplier: 1, samplingRate: 1.1 }, 2, 'sampling rate from 0 to 1'],
    [{ noiseMultiplier: 1, samplingRate: 0.1 }, 1, 'order above 1'],
  ])('refuses %o at order %d', (mechanism, alpha, message) => {
    expect(() => subsampledGaussianRdp(mechanism, alpha)).toThrow(message);
  });
});
