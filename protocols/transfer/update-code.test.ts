import { int32FromBytes, littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { createLayout } from '@wardround/shared/tensors/layout.ts';
import { describe, expect, test } from 'vitest';
import {
  addUpdate,
  checkUpdate,
  decodeSum,
  encodeUpdate,
  UpdateNotFiniteError,
  updateVectorLength,
} from './update-code.ts';

const tensor = (name: string, size: number, group: string) =>
  ({ name, shape: [size], initialiser: { kind: 'zeros' }, group }) as const;

/** Groups are interleaved, as nothing says that a group's tensors stand together. */
const layout = createLayout([tensor('a', 3, 'image'), tensor('b', 4, 'clinical'), tensor('c', 2, 'image')]);
const code = { layout, clip: 0.5, maximumSampleCount: 100, sites: 4 };

const randomDelta = (seed: string, spread = 0.3) => {
  const random = createRandom(seed);
  return Float32Array.from({ length: layout.size }, () => spread * random.normal());
};
const encode = (delta: Float32Array, sampleCounts: number[]) => encodeUpdate(delta, { ...code, sampleCounts });
const sumOf = (vectors: Uint8Array[]) => {
  const sum = new Int32Array(updateVectorLength(layout));
  for (const vector of vectors) addUpdate(sum, vector);
  return sum;
};

describe('encodeUpdate()', () => {
  test('writes sample counts, then codes, as little-endian int32', () => {
    const delta = Float32Array.from([0.25, -0.5, 0.75, 0.5, 0, 0, 0, -0.125, 1]);
    const { vector, clippedCoordinates } = encode(delta, [100, 50]);
    const scale = 2 ** 29 / (4 * 0.5);
    expect(int32FromBytes(vector)).toEqual(
      Int32Array.from([
        ...[100, 50],
        ...[0.25 * scale, -0.5 * scale, 0.5 * scale],
        ...[(0.5 * scale) / 2, 0, 0, 0],
        ...[-0.125 * scale, 0.5 * scale],
      ]),
    );
    expect(clippedCoordinates).toBe(2);
    expect([...vector.subarray(0, 12)]).toEqual([100, 0, 0, 0, 50, 0, 0, 0, 0, 0, 0, 4]);
  });

  test('codes a group without samples as zeros', () => {
    const numbers = int32FromBytes(encode(randomDelta('a'), [10, 0]).vector);
    expect([...numbers.subarray(2 + 3, 2 + 7)]).toEqual([0, 0, 0, 0]);
  });

  test.each([Number.NaN, Infinity, -Infinity])('refuses %s and names the tensor', (bad) => {
    const delta = randomDelta('a');
    delta[4] = bad;
    expect(() => encode(delta, [10, 10])).toThrow(UpdateNotFiniteError);
    expect(() => encode(delta, [10, 0])).toThrow('"b"');
  });

  test('refuses a vector of another length', () => {
    expect(() => encode(new Float32Array(8), [1, 1])).toThrow('needed 9 coordinates, found 8');
  });

  test.each([[[1]], [[1, 101]], [[-1, 1]], [[0.5, 1]], [[Number.NaN, 1]]])('refuses the sample counts %j', (counts) => {
    expect(() => encode(randomDelta('a'), counts)).toThrow('whole sample counts from 0 to 100');
  });
});

describe('checkUpdate()', () => {
  const changed = (index: number, value: number) => {
    const numbers = int32FromBytes(encode(randomDelta('a'), [10, 20]).vector);
    numbers[index] = value;
    return checkUpdate(littleEndianBytes(numbers), code);
  };

  test('accepts what encodeUpdate() made, also at the bounds and at an odd position', () => {
    for (const counts of [
      [100, 100],
      [1, 7],
      [0, 3],
    ]) {
      for (const spread of [0.01, 0.3, 1e30]) {
        const { vector } = encode(randomDelta('b', spread), counts);
        expect(checkUpdate(vector, code)).toBeNull();
        const larger = new Uint8Array(vector.length + 1);
        larger.set(vector, 1);
        expect(checkUpdate(larger.subarray(1), code)).toBeNull();
      }
    }
  });

  test.each([0, 1, 4, 43, 45, 48])('finds a length of %i bytes', (length) => {
    expect(checkUpdate(new Uint8Array(length), code)).toBe('update-wrong-length');
  });

  test('finds sample counts out of bounds', () => {
    expect(changed(0, -1)).toBe('update-sample-count');
    expect(changed(1, 101)).toBe('update-sample-count');
  });

  test('finds an update without samples', () => {
    expect(checkUpdate(new Uint8Array(44), code)).toBe('update-empty');
  });

  test('finds a code that its sample count does not allow', () => {
    // The clinical group has 20 of 100 samples, so its codes reach a fifth of the scale's 2^28 * 0.5.
    const largest = Math.round(0.2 * 2 ** 28 * 0.5);
    expect(changed(2 + 3, largest)).toBeNull();
    expect(changed(2 + 3, -largest)).toBeNull();
    expect(changed(2 + 3, largest + 1)).toBe('update-out-of-range');
    expect(changed(2 + 3, -largest - 1)).toBe('update-out-of-range');
    expect(changed(2, -0x8000_0000)).toBe('update-out-of-range');
  });
});

describe('addUpdate() and decodeSum()', () => {
  const deltas = ['a', 'b', 'c', 'd'].map((seed) => randomDelta(seed, 0.1));
  const counts = [
    [30, 5],
    [100, 0],
    [1, 99],
    [42, 17],
  ];
  const vectors = deltas.map((delta, site) => encode(delta, counts[site]!).vector);

  test('give the sample-weighted mean of each group', () => {
    const { meanDelta, sampleCounts } = decodeSum(sumOf(vectors), code);
    expect(sampleCounts).toEqual([173, 121]);
    for (const { offset, size, group } of layout.tensors) {
      const g = layout.groups.indexOf(group);
      for (let i = offset; i < offset + size; i += 1) {
        const clipped = deltas.map((delta) => Math.min(0.5, Math.max(-0.5, delta[i]!)));
        const expected = clipped.reduce((sum, value, site) => sum + value * counts[site]![g]!, 0) / sampleCounts[g]!;
        // Four codes rounded by at most half, divided by the factor; then one rounding to float32.
        const tolerance = 2 / ((sampleCounts[g]! / 100) * 2 ** 28) + Math.abs(expected) * 2 ** -24;
        expect(Math.abs(meanDelta[i]! - expected)).toBeLessThanOrEqual(tolerance);
      }
    }
  });

  test('give identical bytes in every order of arrival', () => {
    const permutations = (items: Uint8Array[]): Uint8Array[][] =>
      items.length === 0
        ? [[]]
        : items.flatMap((item, at) => permutations(items.toSpliced(at, 1)).map((rest) => [item, ...rest]));
    const sum = littleEndianBytes(sumOf(vectors));
    const mean = littleEndianBytes(decodeSum(sumOf(vectors), code).meanDelta);
    const orders = permutations(vectors);
    expect(orders).toHaveLength(24);
    for (const order of orders) {
      expect(littleEndianBytes(sumOf(order))).toEqual(sum);
      expect(littleEndianBytes(decodeSum(sumOf(order), code).meanDelta)).toEqual(mean);
    }
  });

  test('leave a group at zero where no site had samples', () => {
    const { meanDelta, sampleCounts } = decodeSum(sumOf([encode(deltas[0]!, [10, 0]).vector]), code);
    expect(sampleCounts).toEqual([10, 0]);
    expect([...meanDelta.subarray(3, 7)]).toEqual([0, 0, 0, 0]);
  });

  test('give the clip exactly when every site sends the maximum', () => {
    for (const sign of [1, -1]) {
      const { vector } = encode(new Float32Array(layout.size).fill(sign * 3e38), [100, 100]);
      const { meanDelta } = decodeSum(sumOf([vector, vector, vector, vector]), code);
      expect(meanDelta.every((value) => value === sign * 0.5)).toBe(true);
    }
  });

  test('give known bits', () => {
    const { meanDelta } = decodeSum(sumOf(vectors), code);
    expect(Buffer.from(littleEndianBytes(meanDelta)).toString('hex')).toBe(
      '7ce5a63cd2ca73bd41bc8fbd94adabbdf37c613c8ffa6ebd12047cbd96d80a3d387f76bd',
    );
  });

  test('refuse a sum that is not of this code', () => {
    expect(() => decodeSum(new Int32Array(10), code)).toThrow('needed 11 numbers, found 10');
    const sum = sumOf(vectors);
    sum[0] = 401;
    expect(() => decodeSum(sum, code)).toThrow('from 0 to 400');
    expect(() => addUpdate(sum, new Uint8Array(8))).toThrow(RangeError);
  });
});
