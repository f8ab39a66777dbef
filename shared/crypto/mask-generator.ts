/**
 * The mask generator: a key's AES-256-CTR stream (zero IV), read as little-endian words of the vector's width and added to
 * it modulo 2^32, or modulo 2^16 to a vector of 16-bit words. The same key gives the same words on every machine, and any
 * piece can be made by itself, so that several threads share the work and nobody holds a mask as a whole.
 *
 * Each key must be used for one vector only: a second use gives away the difference of the two.
 */
import { type Cipheriv, createCipheriv, createSecretKey } from 'node:crypto';
import type { CodeWords } from '../bytes/code-words.ts';
import { littleEndianBytes } from '../bytes/little-endian.ts';
import { releaseMemory } from '../bytes/release-memory.ts';
import { KERNEL_BYTES, wordKernel } from '../bytes/word-kernel.ts';

const BLOCK_BYTES = 16;
/** A source of zeros: encrypting them gives the bare stream. */
const ZEROS = new Uint8Array(KERNEL_BYTES);

/** Secret. */
export interface Mask {
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** 1 adds the key's words, -1 takes them away. */
  readonly sign: 1 | -1;
}

/**
 * Adds the key's words to the vector, or takes them away, in place.
 *
 * @param key 32 bytes.
 * @param options `sign` 1 adds and -1 subtracts; `firstWord` says which word of the stream the vector begins at (0 where left out).
 */
export function addMask(
  vector: CodeWords,
  key: Uint8Array,
  options: { readonly sign: 1 | -1; readonly firstWord?: number },
): void {
  const { sign, firstWord = 0 } = options;
  addMasks(vector, [{ key, sign }], { firstWord });
}

/** Does what `addMask` does for each mask, in one pass over the vector. */
export function addMasks(
  vector: CodeWords,
  masks: readonly Mask[],
  options: { readonly firstWord?: number } = {},
): void {
  const { firstWord = 0 } = options;
  if (!Number.isSafeInteger(firstWord) || firstWord < 0) {
    throw new RangeError(`Cannot make the mask: firstWord must be a whole number >= 0, found ${firstWord}`);
  }
  for (const { key } of masks) {
    if (key.length !== 32) throw new RangeError(`Cannot make the mask: needed a key of 32 bytes, found ${key.length}`);
  }
  if (masks.length === 0) return;
  const kernel = wordKernel();
  const { into, terms } = kernel;
  const { add, sub } =
    vector instanceof Int32Array ? { add: kernel.add32, sub: kernel.sub32 } : { add: kernel.add16, sub: kernel.sub16 };
  const firstByte = firstWord * vector.BYTES_PER_ELEMENT;
  const streams = masks.map(({ key, sign }) => ({ cipher: openStream(key, firstByte), apply: sign === 1 ? add : sub }));
  const bytes = littleEndianBytes(vector);
  // Each piece is copied once for all masks, and stays in the processor's cache while they are added.
  for (let start = 0; start < bytes.length; start += KERNEL_BYTES) {
    const piece = bytes.subarray(start, start + KERNEL_BYTES);
    into.set(piece);
    for (const { cipher, apply } of streams) {
      const stream = cipher.update(ZEROS.subarray(0, piece.length));
      terms.set(stream);
      releaseMemory(stream);
      apply(piece.length);
    }
    piece.set(into.subarray(0, piece.length));
  }
  for (const half of [into, terms]) half.fill(0, 0, bytes.length);
}

function openStream(key: Uint8Array, firstByte: number): Cipheriv {
  // Wrapped as a key object, as Node spends five times longer on finding out that plain bytes are none.
  const counter = counterBlock(Math.floor(firstByte / BLOCK_BYTES));
  const cipher = createCipheriv('aes-256-ctr', createSecretKey(key), counter);
  const surplusBytes = firstByte % BLOCK_BYTES;
  if (surplusBytes > 0) cipher.update(ZEROS.subarray(0, surplusBytes));
  return cipher;
}

/** The counter of AES-CTR at a block: a big-endian number of 128 bits. */
function counterBlock(block: number): Uint8Array {
  const counter = new DataView(new ArrayBuffer(16));
  counter.setBigUint64(8, BigInt(block));
  return new Uint8Array(counter.buffer);
}
