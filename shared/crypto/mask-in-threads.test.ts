import { describe, expect, test } from 'vitest';
import { addMasks } from './mask-generator.ts';
import { openMaskingThreads } from './mask-in-threads.ts';

const masks = Array.from({ length: 5 }, (_, index) => ({
  key: new Uint8Array(32).fill(index + 1),
  sign: index % 2 === 0 ? (1 as const) : (-1 as const),
}));

function vectorOf(words: number): Int32Array<SharedArrayBuffer> {
  const vector = new Int32Array(new SharedArrayBuffer(4 * words));
  for (let i = 0; i < words; i += 1) vector[i] = Math.imul(i, 0x9e37_79b1);
  return vector;
}

describe('openMaskingThreads()', () => {
  test.each([
    ['a short vector, which needs no threads', 1001],
    ['pieces of which the last is short', 3 * 2 ** 18 + 5],
    ['whole pieces', 2 ** 19],
    ['nothing', 0],
  ])('masks as one thread does: %s', async (_, words) => {
    const threads = openMaskingThreads({ threads: 3 });
    const vector = vectorOf(words);
    const expected = Int32Array.from(vector);
    addMasks(expected, masks);
    const handedOut: number[] = [];
    await threads.addMasks(vector, masks, {
      onPiece: (piece) => {
        const offset = piece.byteOffset / 4;
        expect(offset).toBe(handedOut.reduce((sum, length) => sum + length, 0));
        expect(Buffer.compare(bytesOf(piece), bytesOf(expected.subarray(offset, offset + piece.length)))).toBe(0);
        handedOut.push(piece.length);
      },
    });
    expect(handedOut.reduce((sum, length) => sum + length, 0)).toBe(words);
    expect(Buffer.compare(bytesOf(vector), bytesOf(expected))).toBe(0);
    await threads.close();
  });

  test('takes vectors one after the other, and goes on after it was closed', async () => {
    const threads = openMaskingThreads({ threads: 2 });
    const words = 2 ** 18 + 1;
    const [first, second, third] = [vectorOf(words), vectorOf(words), vectorOf(words)];
    await Promise.all([threads.addMasks(first, masks), threads.addMasks(second, masks)]);
    await threads.close();
    await threads.addMasks(third, masks);
    await threads.close();
    const expected = vectorOf(words);
    addMasks(expected, masks);
    for (const vector of [first, second, third]) expect(Buffer.compare(bytesOf(vector), bytesOf(expected))).toBe(0);
  });

  test('fails when it is closed while it masks', async () => {
    const threads = openMaskingThreads({ threads: 2 });
    const masking = threads.addMasks(vectorOf(2 ** 22), masks);
    const refused = expect(masking).rejects.toThrow('one of the masking threads ended');
    await new Promise((resolve) => setImmediate(resolve));
    await threads.close();
    await refused;
  });

  test('leaves the keys as they are: the caller may need them again', async () => {
    const threads = openMaskingThreads({ threads: 2 });
    await threads.addMasks(vectorOf(2 ** 19), masks);
    expect(masks[4]!.key).toEqual(new Uint8Array(32).fill(5));
    await threads.close();
  });
});

function bytesOf(vector: Int32Array): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}
