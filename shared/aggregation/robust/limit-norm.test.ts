import { describe, expect, test } from 'vitest';
import { limitNorm, normOf } from './limit-norm.ts';

const limit = { norm: 5, zeroAboveMultiple: 4 };

describe('limitNorm()', () => {
  test('keeps what is short enough, to the bit', () => {
    const update = Float32Array.of(3, 4);
    expect(limitNorm(update, limit)).toBe('kept');
    expect([...update]).toEqual([3, 4]);
  });

  test('scales what is longer down to the norm', () => {
    const update = Float32Array.of(6, -8);
    expect(limitNorm(update, limit)).toBe('scaled');
    expect([...update]).toEqual([3, -4]);
  });

  test('zeroes what is longer than the stated multiple', () => {
    const atLimit = Float32Array.of(12, 16);
    expect(limitNorm(atLimit, limit)).toBe('scaled');
    const beyond = Float32Array.of(12, 16.001);
    expect(limitNorm(beyond, limit)).toBe('zeroed');
    expect([...beyond]).toEqual([0, 0]);
  });

  test('leaves what is not finite to the code, which refuses it', () => {
    const update = Float32Array.of(1, Number.NaN);
    expect(limitNorm(update, limit)).toBe('kept');
    expect(update[1]).toBeNaN();
  });

  test('holds for the largest numbers there are', () => {
    expect(normOf(new Float32Array(1000).fill(3.4e38))).toBeGreaterThan(1e39);
    const update = new Float32Array(1000).fill(3.4e38);
    expect(limitNorm(update, limit)).toBe('zeroed');
  });

  test('refuses limits that bound nothing', () => {
    for (const wrong of [
      { norm: 0, zeroAboveMultiple: 4 },
      { norm: Number.NaN, zeroAboveMultiple: 4 },
      { norm: 1, zeroAboveMultiple: 0.5 },
    ]) {
      expect(() => limitNorm(new Float32Array(1), wrong)).toThrow(RangeError);
    }
  });
});
