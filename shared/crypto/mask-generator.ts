/**
 * The mask generator: a key's AES-256-CTR stream (zero IV), read as little-endian words of the vector's width and added to
 * it modulo 2^32, or modulo 2^16 to a vector of 16-bit words. The same key gives the same words on every machine, and any piece can be made by itself, so that several
 * threads share the work and nobody holds a mask as a whole.
 *
 * Each key must be used for one vector only: a second use gives away the difference of the two.
 */
import { type Cipheriv, createCipheriv, createSecretKey } from 'node:crypto';
import type { CodeWords } from '../bytes/code-words.ts';
import { int16FromBytes, int32FromBytes } from '../bytes/little-endian.ts';

/** How much of each stream is held at a time: with four streams it stays in the processor's second-level cache. */
const PIECE_BYTES = 1 << 16;
/** Streams added in one pass: reading and writing the vector costs as much as making a stream. */
const STREAMS_PER_PASS = 4;
const BLOCK_BYTES = 16;
/** A source of zeros: encrypting them gives the bare stream. */
const ZEROS = new Uint8Array(PIECE_BYTES);

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

/** Does what `addMask` does for each mask, in a third of the time that it takes one after the other. */
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
  for (let first = 0; first < masks.length; first += STREAMS_PER_PASS) {
    const group = masks.slice(first, first + STREAMS_PER_PASS);
    const firstByte = firstWord * vector.BYTES_PER_ELEMENT;
    const streams = group.map(({ key, sign }) => ({ cipher: openStream(key, firstByte), flip: sign === 1 ? 0 : -1 }));
    const pieceWords = PIECE_BYTES / vector.BYTES_PER_ELEMENT;
    for (let start = 0; start < vector.length; start += pieceWords) {
      const end = Math.min(start + pieceWords, vector.length);
      if (vector instanceof Int32Array) addPiece(vector.subarray(start, end), streams);
      else addShortPiece(vector.subarray(start, end), streams);
    }
  }
}

interface Stream {
  readonly cipher: Cipheriv;
  /** 0, or -1 for a stream that is taken away. */
  readonly flip: number;
}

function openStream(key: Uint8Array, firstByte: number): Cipheriv {
  // Wrapped as a key object, as Node spends five times longer on finding out that plain bytes are none.
  const counter = counterBlock(Math.floor(firstByte / BLOCK_BYTES));
  const cipher = createCipheriv('aes-256-ctr', createSecretKey(key), counter);
  const surplusBytes = firstByte % BLOCK_BYTES;
  if (surplusBytes > 0) cipher.update(ZEROS.subarray(0, surplusBytes));
  return cipher;
}

/** Adds the next words of up to four streams. Taking a word away is adding its complement, and one. */
function addPiece(piece: Int32Array, streams: readonly Stream[]): void {
  const words = piece.length;
  const zeros = ZEROS.subarray(0, 4 * words);
  const masks = streams.map(({ cipher }) => int32FromBytes(cipher.update(zeros)));
  const [a, b, c, d] = masks;
  const flips = streams.map(({ flip }) => flip);
  if (b === undefined) addOne(piece, a!, flips[0]!);
  else {
    const none = int32FromBytes(zeros);
    addFour(piece, [a!, b, c ?? none, d ?? none], [flips[0]!, flips[1]!, flips[2] ?? 0, flips[3] ?? 0]);
  }
  giveBack(masks);
}

/** Gives the memory back at once: the collector would let hundreds of megabytes wait, in each thread. */
function giveBack(streams: readonly Uint8Array[] | readonly Int32Array[]): void {
  for (const { buffer, byteLength } of streams) {
    if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
  }
}

/** The same for words of 16 bits, two of them at a time where the piece lies so that they can be read as one of 32. */
function addShortPiece(piece: Int16Array, streams: readonly Stream[]): void {
  const zeros = ZEROS.subarray(0, 2 * piece.length);
  const masks = streams.map(({ cipher }) => cipher.update(zeros));
  const flips = streams.map(({ flip }) => flip);
  const pairs = piece.byteOffset % 4 === 0 ? piece.length >>> 1 : 0;
  if (pairs > 0) {
    const [a, b, c, d] = masks.map((bytes) => int32FromBytes(bytes.subarray(0, 4 * pairs)));
    const none = int32FromBytes(zeros.subarray(0, 4 * pairs));
    const paired = new Int32Array(piece.buffer, piece.byteOffset, pairs);
    addFourPairs(
      paired,
      [a!, b ?? none, c ?? none, d ?? none],
      [flips[0]!, flips[1] ?? 0, flips[2] ?? 0, flips[3] ?? 0],
    );
  }
  const rest = piece.subarray(2 * pairs);
  for (const [index, bytes] of masks.entries()) {
    const words = int16FromBytes(bytes).subarray(2 * pairs);
    const flip = flips[index]!;
    for (let i = 0; i < rest.length; i += 1) rest[i] = rest[i]! + (words[i]! ^ flip) - flip;
  }
  giveBack(masks);
}

function addOne(piece: Int32Array, mask: Int32Array, flip: number): void {
  const words = piece.length;
  for (let i = 0; i < words; i += 1) piece[i] = (piece[i]! + (mask[i]! ^ flip) - flip) | 0;
}

type Four<T> = readonly [T, T, T, T];

function addFour(piece: Int32Array, [a, b, c, d]: Four<Int32Array>, [f, g, h, k]: Four<number>): void {
  const ones = 0 - (f + g + h + k);
  const words = piece.length;
  // Cut to 32 bits at each step, so that no sum is taken in floating point.
  for (let i = 0; i < words; i += 1) {
    let sum = (piece[i]! + ones) | 0;
    sum = (sum + (a[i]! ^ f)) | 0;
    sum = (sum + (b[i]! ^ g)) | 0;
    sum = (sum + (c[i]! ^ h)) | 0;
    piece[i] = sum + (d[i]! ^ k);
  }
}

/**
 * Adds to the upper and the lower half of each word separately: the sums of the lower halves show how much they carried
 * into the upper ones, which is taken away at the end.
 */
function addFourPairs(piece: Int32Array, [a, b, c, d]: Four<Int32Array>, [f, g, h, k]: Four<number>): void {
  const ones = 0 - (f + g + h + k);
  const bothOnes = (ones << 16) + ones;
  const words = piece.length;
  for (let i = 0; i < words; i += 1) {
    let word = piece[i]!;
    let lower = (word & 0xffff) + ones;
    let sum = (word + bothOnes) | 0;
    word = a[i]! ^ f;
    lower += word & 0xffff;
    sum = (sum + word) | 0;
    word = b[i]! ^ g;
    lower += word & 0xffff;
    sum = (sum + word) | 0;
    word = c[i]! ^ h;
    lower += word & 0xffff;
    sum = (sum + word) | 0;
    word = d[i]! ^ k;
    lower += word & 0xffff;
    sum = (sum + word) | 0;
    piece[i] = sum - (lower & 0x7fff_0000);
  }
}

/** The counter of AES-CTR at a block: a big-endian number of 128 bits. */
function counterBlock(block: number): Uint8Array {
  const counter = new DataView(new ArrayBuffer(16));
  counter.setBigUint64(8, BigInt(block));
  return new Uint8Array(counter.buffer);
}
