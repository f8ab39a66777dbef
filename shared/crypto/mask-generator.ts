/**
 * The mask generator: a key's AES-256-CTR stream (zero IV), read as little-endian 32-bit words and added to a vector
 * modulo 2^32. The same key gives the same words on every machine, and any piece can be made by itself, so that several
 * threads share the work and nobody holds a mask as a whole.
 *
 * Each key must be used for one vector only: a second use gives away the difference of the two.
 */
import { createCipheriv, createSecretKey } from 'node:crypto';
import { int32FromBytes } from '../bytes/little-endian.ts';

/** How much of a stream is held at a time: it stays in the processor's second-level cache. */
const PIECE_BYTES = 1 << 18;
const WORDS_PER_BLOCK = 4;
/** A source of zeros: encrypting them gives the bare stream. */
const ZEROS = new Uint8Array(PIECE_BYTES);

/**
 * Adds the key's words to the vector, or takes them away, in place.
 *
 * @param key 32 bytes.
 * @param options `sign` 1 adds and -1 subtracts; `firstWord` says which word of the stream the vector begins at (0 where left out).
 */
export function addMask(
  vector: Int32Array,
  key: Uint8Array,
  options: { readonly sign: 1 | -1; readonly firstWord?: number },
): void {
  const { sign, firstWord = 0 } = options;
  if (key.length !== 32) throw new RangeError(`Cannot make the mask: needed a key of 32 bytes, found ${key.length}`);
  if (!Number.isSafeInteger(firstWord) || firstWord < 0) {
    throw new RangeError(`Cannot make the mask: firstWord must be a whole number >= 0, found ${firstWord}`);
  }
  // Wrapped as a key object, as Node spends five times longer on finding out that plain bytes are none.
  const cipher = createCipheriv(
    'aes-256-ctr',
    createSecretKey(key),
    counterBlock(Math.floor(firstWord / WORDS_PER_BLOCK)),
  );
  const surplusBytes = 4 * (firstWord % WORDS_PER_BLOCK);
  if (surplusBytes > 0) cipher.update(ZEROS.subarray(0, surplusBytes));
  const pieceWords = PIECE_BYTES / 4;
  for (let start = 0; start < vector.length; start += pieceWords) {
    const words = Math.min(pieceWords, vector.length - start);
    const stream = cipher.update(ZEROS.subarray(0, 4 * words));
    const mask = int32FromBytes(stream);
    const piece = vector.subarray(start, start + words);
    if (sign === 1) for (let i = 0; i < words; i += 1) piece[i] = piece[i]! + mask[i]!;
    else for (let i = 0; i < words; i += 1) piece[i] = piece[i]! - mask[i]!;
  }
}

/** The counter of AES-CTR at a block: a big-endian number of 128 bits. */
function counterBlock(block: number): Uint8Array {
  const counter = new DataView(new ArrayBuffer(16));
  counter.setBigUint64(8, BigInt(block));
  return new Uint8Array(counter.buffer);
}
