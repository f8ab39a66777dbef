/**
 * xoshiro128** 1.1 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021): 32 bits a call, period
 * 2^128 - 1. Chosen because it needs only 32-bit integer arithmetic, which every JavaScript engine computes alike.
 *
 * Not for secrets: four outputs in a row reveal the state.
 */

/**
 * A function that returns the next whole number in 0 .. 2^32 - 1.
 *
 * @param state four 32-bit words, not all zero.
 * @throws {RangeError} when the state is all zero, from which the generator would never leave.
 */
export function createXoshiro128(state: readonly [number, number, number, number]): () => number {
  let [s0, s1, s2, s3] = state;
  if ((s0 | s1 | s2 | s3) === 0) {
    throw new RangeError('Cannot start xoshiro128: at least one word of the state must not be zero, found four zeros');
  }
  return () => {
    const product = Math.imul(s1, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = s1 << 9;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= shifted;
    s3 = (s3 << 11) | (s3 >>> 21);
    return result;
  };
}
