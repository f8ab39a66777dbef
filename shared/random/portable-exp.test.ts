import { describe, expect, test } from 'vitest';
import { portableExp } from './portable-exp.ts';

describe('portableExp()', () => {
  test('is the exponential', () => {
    for (let x = -100; x <= 100; x += 0.37) expect(Math.abs(portableExp(x) / Math.exp(x) - 1)).toBeLessThan(1e-12);
    expect(portableExp(0)).toBe(1);
  });

  test('gives known bits, the same on every machine', () => {
    const bits = new BigUint64Array(Float64Array.of(portableExp(-3.7), portableExp(1)).buffer);
    expect([...bits].map((word) => word.toString(16))).toEqual(['3f99511fc6870fb0', '4005bf0a8b145459']);
  });

  test('refuses what it was not made for', () => {
    expect(() => portableExp(101)).toThrow('found 101');
    expect(() => portableExp(Number.NaN)).toThrow(RangeError);
  });
});
