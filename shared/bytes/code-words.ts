/** The words that codes travel in: whole numbers of 16 or 32 bits, added modulo 2^16 or 2^32. */
import { int16FromBytes, int32FromBytes } from './little-endian.ts';

export const CODE_BITS = [16, 32] as const;
export type CodeBits = (typeof CODE_BITS)[number];
export type CodeWords<Memory extends ArrayBufferLike = ArrayBufferLike> = Int16Array<Memory> | Int32Array<Memory>;

export function createCodeWords(length: number, codeBits: CodeBits): CodeWords<ArrayBuffer> {
  return codeBits === 16 ? new Int16Array(length) : new Int32Array(length);
}

/**
 * The words that the bytes are; shares their memory where their position allows it.
 *
 * @throws {RangeError} when the bytes are no whole number of words.
 */
export function codeWordsFromBytes(bytes: Uint8Array, codeBits: CodeBits): CodeWords {
  return codeBits === 16 ? int16FromBytes(bytes) : int32FromBytes(bytes);
}

/** What no number of a sum may exceed in either direction: two bits are left to spare. */
export function largestSum(codeBits: CodeBits): number {
  return 2 ** (codeBits - 3);
}
