import { describe, expect, test } from 'vitest';
import { portableExponential } from './portable-exponential.ts';

describe('portableExponential()', () => {
  test('agrees with Math.exp to eleven digits over its range', () => {
    for (let x = -20; x <= 20; x += 0.0625) {
      expect(Math.abs(portableExponential(x) / Math.exp(x) - 1)).toBeLessThan(1e-11);
    }
  });

  test.each([20.5, -21, Number.NaN, Number.POSITIVE_INFINITY])('refuses %s', (x) => {
    expect(() => portableExponential(x)).toThrow(RangeError);
  });
});
