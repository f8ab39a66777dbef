import { describe, expect, test } from 'vitest';
import { createRandom } from '../random/seeded-random.ts';
import {
  addModulo,
  allWithin,
  decodeFixedPoint,
  encodeFixedPoint,
  fixedPointScale,
  largestCode,
} from './fixed-point.ts';

const encode = (values: number[], options: { clip: number; factor: number }) => {
  const codes = new Int32Array(values.length);
  const clipped = encodeFixedPoint(Float32Array.from(values), codes, options);
  return { codes: [...codes], clipped };
};

describe('fixedPointScale()', () => {
  test('is floor(2^29 / (terms * clip))', () => {
    expect(fixedPointScale(1, 1)).toBe(2 ** 29);
    expect(fixedPointScale(3, 0.1)).toBe(1_789_569_706);
    expect(fixedPointScale(1000, 100)).toBe(5368);
  });

  test.each([
    [0, 1],
    [1.5, 1],
    [3, 0],
    [3, -1],
    [3, Number.NaN],
    [3, 1e-12],
    [3, 1e12],
  ])('refuses %s terms of at most %s', (terms, clip) => {
    expect(() => fixedPointScale(terms, clip)).toThrow(RangeError);
  });
});

describe('encodeFixedPoint()', () => {
  test('rounds to the nearest integer, ties to even, alike on both sides of zero', () => {
    const halves = [0.5, 1.5, 2.5, 0.49, 0.51, 0];
    expect(encode(halves, { clip: 10, factor: 1 }).codes).toEqual([0, 2, 2, 0, 1, 0]);
    expect(
      encode(
        halves.map((x) => -x),
        { clip: 10, factor: 1 },
      ).codes,
    ).toEqual([0, -2, -2, 0, -1, 0]);
  });

  test('clips and counts', () => {
    expect(encode([2, -2, 1, -1, 0.5], { clip: 1, factor: 100 })).toEqual({
      codes: [100, -100, 100, -100, 50],
      clipped: 2,
    });
  });

  test.each([Number.NaN, Infinity, -Infinity])('gives -1 for %s', (bad) => {
    expect(encode([0, bad], { clip: 1, factor: 1 }).clipped).toBe(-1);
  });

  test('refuses a target of another length', () => {
    expect(() => encodeFixedPoint(new Float32Array(2), new Int32Array(3), { clip: 1, factor: 1 })).toThrow(RangeError);
  });
});

describe('sums', () => {
  test('of the largest codes never leave 32 bits, for random numbers of terms, clips and weights', () => {
    const random = createRandom('largest codes');
    for (let trial = 0; trial < 2000; trial += 1) {
      const terms = 1 + random.int(1000);
      const clip = 10 ** (8 * random.next() - 6);
      const scale = fixedPointScale(terms, clip);
      const factor = trial % 2 === 0 ? scale : scale * random.next();
      const { codes } = encode(
        [Infinity, -Infinity].map((sign) => Math.sign(sign) * 3e38),
        { clip, factor },
      );
      expect(codes).toEqual([largestCode(clip, factor), -largestCode(clip, factor)]);
      const sum = new Int32Array(2);
      for (let term = 0; term < terms; term += 1) addModulo(sum, Int32Array.from(codes));
      expect([...sum]).toEqual(codes.map((code) => code * terms));
      expect(Math.abs(sum[0]!)).toBeLessThanOrEqual(2 ** 29 + terms / 2);
    }
  });

  test('wrap around modulo 2^32', () => {
    const sum = Int32Array.from([0x7fff_ffff]);
    addModulo(sum, Int32Array.from([1]));
    expect(sum[0]).toBe(-0x8000_0000);
    addModulo(sum, Int32Array.from([-1]));
    expect(sum[0]).toBe(0x7fff_ffff);
  });
});

test('allWithin() includes the bound on both sides', () => {
  expect(allWithin(Int32Array.from([5, -5, 0]), 5)).toBe(true);
  expect(allWithin(Int32Array.from([0, 6]), 5)).toBe(false);
  expect(allWithin(Int32Array.from([0, -6]), 5)).toBe(false);
  expect(allWithin(Int32Array.from([-0x8000_0000]), 0x7fff_ffff)).toBe(false);
  expect(allWithin(new Int32Array(0), 0)).toBe(true);
});

test.each([
  [Int32Array, 2 ** 29 + 1.5],
  [Int16Array, 2 ** 13 + 1.5],
])('allWithin() finds one number that is too large wherever it stands in a long vector: %o', (Words, bound) => {
  // Longer than what is looked at together, and no multiple of it.
  const codes = new Words(70_001).fill(Math.floor(bound));
  expect(allWithin(codes, bound)).toBe(true);
  for (const index of [0, 1, 16_383, 16_384, 32_768, 65_535, 70_000]) {
    for (const tooLarge of [Math.ceil(bound), -Math.ceil(bound)]) {
      const kept = codes[index]!;
      codes[index] = tooLarge;
      expect(allWithin(codes, bound)).toBe(false);
      codes[index] = kept;
      expect(allWithin(codes, bound)).toBe(true);
    }
  }
  expect(allWithin(codes.subarray(1, 3), bound)).toBe(true);
});

test('decodeFixedPoint() divides', () => {
  const values = new Float32Array(2);
  decodeFixedPoint(Int32Array.from([3, -1]), values, 4);
  expect([...values]).toEqual([0.75, -0.25]);
});
