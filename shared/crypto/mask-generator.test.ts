import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { littleEndianBytes } from '../bytes/little-endian.ts';
import { addMask, addMasks } from './mask-generator.ts';

const key = Uint8Array.from({ length: 32 }, (_, index) => index);
/** Longer than one piece of the stream, and no multiple of a block. */
const LENGTH = 150_001;

const stream = (length: number, firstWord = 0) => {
  const vector = new Int32Array(length);
  addMask(vector, key, { sign: 1, firstWord });
  return vector;
};
const hex = (vector: Int32Array) => Buffer.from(littleEndianBytes(vector)).toString('hex');

describe('addMask()', () => {
  test('adds the AES-256-CTR stream: the zero key and counter give the block that FIPS 197 implies', () => {
    const vector = new Int32Array(4);
    addMask(vector, new Uint8Array(32), { sign: 1 });
    expect(hex(vector)).toBe('dc95c078a2408989ad48a21492842087');
  });

  test('gives the words that OpenSSL gives', () => {
    expect(
      createHash('sha256')
        .update(littleEndianBytes(stream(LENGTH)))
        .digest('hex'),
    ).toBe('fca8c99fdfae65a2ad8646f65d89ebf549bf5348fc72b298efb0dd468de11cb1');
  });

  test('can begin at any word', () => {
    const whole = stream(LENGTH);
    for (const firstWord of [0, 1, 3, 4, 5, 1023, 65_535, 65_536, 65_537, 149_999]) {
      expect(stream(LENGTH - firstWord, firstWord)).toEqual(whole.subarray(firstWord));
    }
  });

  test('can begin beyond 2^32 words: pieces there continue each other', () => {
    const firstWord = 2 ** 40 + 3;
    const whole = stream(10, firstWord);
    expect(stream(7, firstWord + 3)).toEqual(whole.subarray(3));
    expect(whole).not.toEqual(stream(10, 3));
  });

  test('takes away what it added, also where sums wrap around', () => {
    const values = Int32Array.from({ length: 1000 }, (_, index) => (index % 2 === 0 ? 0x7fff_ffff : -0x8000_0000));
    const vector = Int32Array.from(values);
    addMask(vector, key, { sign: 1 });
    expect(vector).not.toEqual(values);
    addMask(vector, key, { sign: -1 });
    expect(vector).toEqual(values);
  });

  test('refuses a key of another length and a place that is none', () => {
    expect(() => addMask(new Int32Array(1), new Uint8Array(16), { sign: 1 })).toThrow('a key of 32 bytes, found 16');
    expect(() => addMask(new Int32Array(1), key, { sign: 1, firstWord: -1 })).toThrow(RangeError);
    expect(() => addMask(new Int32Array(1), key, { sign: 1, firstWord: 0.5 })).toThrow(RangeError);
  });
});

describe('addMasks()', () => {
  test.each([0, 1, 2, 3, 4, 5, 9])('adds and takes away %i masks as one after the other would', (count) => {
    const masks = Array.from({ length: count }, (_, index) => ({
      key: Uint8Array.from(key, (byte) => byte ^ (index + 1)),
      sign: index % 3 === 1 ? (-1 as const) : (1 as const),
    }));
    const expected = stream(40_001);
    const vector = Int32Array.from(expected);
    for (const { key: own, sign } of masks) addMask(expected, own, { sign, firstWord: 6 });
    addMasks(vector, masks, { firstWord: 6 });
    expect(vector).toEqual(expected);
  });

  test('changes nothing when one of the keys is of another length', () => {
    const vector = new Int32Array(8);
    const masks = [
      { key, sign: 1 },
      { key: new Uint8Array(31), sign: 1 },
    ] as const;
    expect(() => addMasks(vector, masks)).toThrow('a key of 32 bytes, found 31');
    expect(vector).toEqual(new Int32Array(8));
  });
});

describe('addMasks() to words of 16 bits', () => {
  const masksOf = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      key: Uint8Array.from(key, (byte) => byte ^ (index + 1)),
      sign: index % 3 === 1 ? (-1 as const) : (1 as const),
    }));
  /** The stream's words one by one, as the definition says. */
  const plainly = (vector: Int16Array, masks: ReturnType<typeof masksOf>, firstWord: number) =>
    Int16Array.from(vector, (word, index) =>
      masks.reduce((sum, mask) => {
        const bytes = streams.get(Buffer.from(mask.key).toString('hex'))!;
        const [low, high] = [bytes[2 * (firstWord + index)]!, bytes[2 * (firstWord + index) + 1]!];
        return sum + mask.sign * (low + 256 * high);
      }, word),
    );
  const streams = new Map(
    masksOf(9).map((mask) => {
      const words = new Int32Array(40_000);
      addMask(words, mask.key, { sign: 1 });
      return [Buffer.from(mask.key).toString('hex'), littleEndianBytes(words)];
    }),
  );
  const filled = (length: number, offset = 0) => {
    const buffer = new ArrayBuffer(2 * (length + offset));
    const vector = new Int16Array(buffer, 2 * offset, length);
    for (let i = 0; i < length; i += 1) vector[i] = [0x7fff, -0x8000, -1, 0, 12_345][i % 5]!;
    return vector;
  };

  test.each([
    [1, 0, 0, 40_001],
    [2, 3, 0, 40_001],
    [3, 8, 1, 40_000],
    [4, 7, 0, 39_998],
    [4, 0, 1, 7],
    [5, 2, 0, 1],
    [9, 1, 1, 70_000],
  ])('adds %i masks from word %i on, at an offset of %i words, to %i words', (count, firstWord, offset, length) => {
    const vector = filled(length, offset);
    const masks = masksOf(count);
    const expected = plainly(vector, masks, firstWord);
    addMasks(vector, masks, { firstWord });
    expect(vector).toEqual(expected);
  });

  test('takes away what it added', () => {
    const vector = filled(33_333);
    const masks = masksOf(6);
    addMasks(vector, masks, { firstWord: 5 });
    expect(vector).not.toEqual(filled(33_333));
    addMasks(
      vector,
      masks.map((mask) => ({ ...mask, sign: mask.sign === 1 ? (-1 as const) : (1 as const) })),
      { firstWord: 5 },
    );
    expect(vector).toEqual(filled(33_333));
  });

  test('can be done in pieces of odd length', () => {
    const whole = filled(20_000);
    addMasks(whole, masksOf(3));
    const pieces = filled(20_000);
    for (let first = 0; first < pieces.length; first += 1_111) {
      addMasks(pieces.subarray(first, first + 1_111), masksOf(3), { firstWord: first });
    }
    expect(pieces).toEqual(whole);
  });
});
