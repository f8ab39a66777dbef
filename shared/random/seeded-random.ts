/**
 * Seeded random numbers that are the same on every machine: starting weights, splits, batches and augmentations follow
 * from the study's seed. Not for keys, nonces or masks: those come from the operating system.
 */
import { canonicalJson } from '../bytes/canonical-json.ts';
import { sha256 } from '../bytes/hash.ts';
import { portableLog } from './portable-log.ts';
import { createXoshiro128 } from './xoshiro128.ts';

export interface SeededRandom {
  /** A number in 0 <= x < 1 with 53 random bits. */
  next(): number;
  /** A whole number in 0 .. n - 1, each equally likely; n from 1 to 2^32. */
  int(n: number): number;
  /** A number of the standard normal distribution. */
  normal(): number;
  /** A shuffled copy. */
  shuffle<T>(items: readonly T[]): T[];
  /**
   * The generator of that label. It depends on the seed and the labels on the way to it, never on how many numbers were
   * drawn before, so that a new use of randomness changes no other.
   */
  fork(label: string): SeededRandom;
}

/**
 * The generator of a seed. The number 1 and the text "1" are different seeds.
 *
 * @throws {TypeError} when the seed is a number that is not finite.
 */
export function createRandom(seed: number | string): SeededRandom {
  return fromKey(sha256(`wardround/random/1\n${canonicalJson(seed)}`));
}

function fromKey(key: Uint8Array): SeededRandom {
  const words = new DataView(key.buffer, key.byteOffset, 16);
  const bits = createXoshiro128([words.getUint32(0), words.getUint32(4), words.getUint32(8), words.getUint32(12)]);
  let spareNormal: number | null = null;

  const next = () => ((bits() >>> 5) * 0x4000000 + (bits() >>> 6)) / 0x20000000000000;

  const int = (n: number) => {
    if (!Number.isInteger(n) || n < 1 || n > 0x100000000) {
      throw new RangeError(`Cannot draw a whole number below n: n must be a whole number from 1 to 2^32, found ${n}`);
    }
    // Draws at or above the last multiple of n would favour small results.
    const limit = 0x100000000 - (0x100000000 % n);
    let drawn = bits();
    while (drawn >= limit) drawn = bits();
    return drawn % n;
  };

  /** Marsaglia's polar method: a point in the unit disc gives two independent normal numbers. */
  const normal = () => {
    if (spareNormal !== null) {
      const value = spareNormal;
      spareNormal = null;
      return value;
    }
    let x: number;
    let y: number;
    let square: number;
    do {
      x = 2 * next() - 1;
      y = 2 * next() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square === 0);
    const factor = Math.sqrt((-2 * portableLog(square)) / square);
    spareNormal = y * factor;
    return x * factor;
  };

  const shuffle = <T>(items: readonly T[]): T[] => {
    const shuffled = [...items];
    for (let last = shuffled.length - 1; last > 0; last -= 1) {
      const other = int(last + 1);
      const moved = shuffled[last]!;
      shuffled[last] = shuffled[other]!;
      shuffled[other] = moved;
    }
    return shuffled;
  };

  const fork = (label: string) =>
    fromKey(sha256(Buffer.concat([Buffer.from('wardround/random-fork/1\n'), key, Buffer.from(label)])));

  return { next, int, normal, shuffle, fork };
}
