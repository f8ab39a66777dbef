import { describe, expect, test } from 'vitest';
import { portableLog } from './portable-log.ts';

describe('portableLog()', () => {
  test('agrees with Math.log to two units in the last place', () => {
    let x = 2 ** -1022;
    while (x < 1e308) {
      const expected = Math.log(x);
      expect(Math.abs(portableLog(x) - expected)).toBeLessThanOrEqual(Math.abs(expected) * 4.5e-16);
      x *= 1.0173;
    }
  });

  test('agrees near one, where the result is small', () => {
    for (const x of [1 - 2 ** -53, 1 - 2 ** -30, 1, 1 + 2 ** -52, 1 + 2 ** -30, Math.SQRT1_2, Math.SQRT2]) {
      const expected = Math.log(x);
      expect(Math.abs(portableLog(x) - expected)).toBeLessThanOrEqual(Math.abs(expected) * 4.5e-16);
    }
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** -1060])('refuses %s', (x) => {
    expect(() => portableLog(x)).toThrow(RangeError);
  });
});
