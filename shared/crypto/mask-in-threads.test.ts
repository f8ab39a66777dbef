import { mkdtempSync, rmSync } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { CodeWords } from '../bytes/code-words.ts';
import { addMasks } from './mask-generator.ts';
import { type MaskingThreads, openMaskingThreads } from './mask-in-threads.ts';

const masks = Array.from({ length: 5 }, (_, index) => ({
  key: new Uint8Array(32).fill(index + 1),
  sign: index % 2 === 0 ? (1 as const) : (-1 as const),
}));

const folder = mkdtempSync(join(tmpdir(), 'wardround-masking-'));
afterAll(() => rmSync(folder, { recursive: true }));

function vectorOf(words: number): Int32Array {
  const vector = new Int32Array(words);
  for (let i = 0; i < words; i += 1) vector[i] = Math.imul(i, 0x9e37_79b1);
  return vector;
}

/** Masks the vector by itself, in a file; gives the pieces one behind the other. */
async function maskWhole(threads: MaskingThreads, vector: CodeWords, name = 'whole'): Promise<Buffer> {
  const path = join(folder, name);
  await writeFile(path, bytesOf(vector));
  await using file = await open(path);
  const pieces: Buffer[] = [];
  await threads.maskFile(file, masks, {
    words: vector.length,
    behind: 0,
    onPiece: (piece) => void pieces.push(Buffer.from(bytesOf(piece))),
  });
  return Buffer.concat(pieces);
}

function masked(words: number): Uint8Array {
  const vector = vectorOf(words);
  addMasks(vector, masks);
  return bytesOf(vector);
}

describe('openMaskingThreads()', () => {
  test('takes vectors one after the other, and goes on after it was closed', async () => {
    const threads = openMaskingThreads({ threads: 2 });
    const words = 2 ** 18 + 1;
    const together = await Promise.all(['first', 'second'].map((name) => maskWhole(threads, vectorOf(words), name)));
    await threads.close();
    const third = await maskWhole(threads, vectorOf(words));
    await threads.close();
    for (const vector of [...together, third]) expect(vector.equals(masked(words))).toBe(true);
  });

  test('fails when it is closed while it masks', async () => {
    const threads = openMaskingThreads({ threads: 2 });
    await writeFile(join(folder, 'long'), bytesOf(vectorOf(2 ** 22)));
    await using file = await open(join(folder, 'long'));
    let begun = () => {};
    const first = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const masking = threads.maskFile(file, masks, { words: 2 ** 22, behind: 0, onPiece: () => begun() });
    const refused = expect(masking).rejects.toThrow('one of the masking threads ended');
    await first;
    await threads.close();
    await refused;
  });

  test('leaves the keys as they are: the caller may need them again', async () => {
    const threads = openMaskingThreads({ threads: 2 });
    await maskWhole(threads, vectorOf(2 ** 19));
    expect(masks[4]!.key).toEqual(new Uint8Array(32).fill(5));
    await threads.close();
  });
});

describe('maskFile()', () => {
  const inFile = async (vector: Int32Array) => {
    const file = join(folder, 'vector');
    await writeFile(file, bytesOf(vector));
    return open(file);
  };

  test.each([
    ['a short vector, which needs no threads', 1001, 3],
    ['a vector of many times the pieces that are held, the last of them short', 11 * 2 ** 18 + 5, 2],
    ['words behind the file in a piece of their own', 2 ** 19, 3],
    ['nothing but what is behind the file', 0, 2],
  ])('masks what the file holds and what is behind it, in order: %s', async (_, words, threads) => {
    const vector = vectorOf(words);
    const expected = Int32Array.from([...vector, 7, 7]);
    addMasks(expected, masks);
    const masking = openMaskingThreads({ threads });
    await using file = await inFile(vector);
    const pieces: Buffer[] = [];
    await masking.maskFile(file, masks, {
      words: words + 2,
      behind: 7,
      async onPiece(piece) {
        await new Promise((resolve) => setImmediate(resolve));
        pieces.push(Buffer.from(bytesOf(piece)));
      },
    });
    expect(Buffer.concat(pieces).equals(bytesOf(expected))).toBe(true);
    await masking.close();
  });

  test('masks words of 16 bits, in a file that need not hold a multiple of four bytes', async () => {
    const words = 5 * 2 ** 18 + 7;
    const vector = Int16Array.from({ length: words }, (_, index) => Math.imul(index, 0x9e37_79b1) >> 16);
    const expected = new Int16Array(words + 64).fill(1);
    expected.set(vector);
    addMasks(expected, masks);
    const masking = openMaskingThreads({ threads: 2 });
    const path = join(folder, 'vector');
    await writeFile(path, bytesOf(vector));
    await using file = await open(path);
    const pieces: Buffer[] = [];
    const onPiece = (piece: CodeWords) => void pieces.push(Buffer.from(bytesOf(piece)));
    await masking.maskFile(file, masks, { words: words + 64, behind: 1, codeBits: 16, onPiece });
    expect(Buffer.concat(pieces).equals(bytesOf(expected))).toBe(true);
    await masking.close();
  });

  test('fails when a piece cannot be handed out, hands out none after it, and masks the next vector', async () => {
    const masking = openMaskingThreads({ threads: 3 });
    await using file = await inFile(vectorOf(20 * 2 ** 18));
    let pieces = 0;
    const onPiece = () => {
      pieces += 1;
      if (pieces === 3) throw new Error('disk full');
    };
    const options = { words: 20 * 2 ** 18, behind: 0 };
    await expect(masking.maskFile(file, masks, { ...options, onPiece })).rejects.toThrow('disk full');
    expect(pieces).toBe(3);
    await masking.maskFile(file, masks, { ...options, onPiece });
    expect(pieces).toBe(23);
    await masking.close();
  });

  test('stops between two pieces', async () => {
    const masking = openMaskingThreads({ threads: 2 });
    await using file = await inFile(vectorOf(9 * 2 ** 18));
    const stop = new AbortController();
    let pieces = 0;
    const masked = masking.maskFile(file, masks, {
      words: 9 * 2 ** 18,
      behind: 0,
      signal: stop.signal,
      onPiece() {
        pieces += 1;
        stop.abort();
      },
    });
    await expect(masked).rejects.toMatchObject({ name: 'AbortError' });
    expect(pieces).toBe(1);
    await masking.close();
  });

  test.each([
    ['is not of whole words', 10, 10],
    ['is longer than the vector', 16, 3],
  ])('refuses a file that %s', async (_, bytes, words) => {
    const masking = openMaskingThreads({ threads: 2 });
    await writeFile(join(folder, 'odd'), new Uint8Array(bytes));
    await using file = await open(join(folder, 'odd'));
    const refused = masking.maskFile(file, masks, { words, behind: 0, onPiece: () => undefined });
    await expect(refused).rejects.toThrow(RangeError);
    await masking.close();
  });
});

function bytesOf(vector: CodeWords): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}
