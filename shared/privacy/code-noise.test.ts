import { describe, expect, test } from 'vitest';
import { addCodeNoise } from './code-noise.ts';
import { createRandomWords } from './random-words.ts';
import { seededBytes } from './testing/seeded-bytes.ts';

const wordsOf = (seed: string) => createRandomWords(seededBytes(seed));

/** Probability below x deviations of a discrete Gaussian of deviation sigma, summed up over the whole numbers. */
function cumulative(sigma: number): (x: number) => number {
  const reach = Math.ceil(10 * sigma);
  const sums = new Float64Array(2 * reach + 2);
  for (let x = -reach; x <= reach; x += 1)
    sums[x + reach + 1] = sums[x + reach]! + Math.exp(-(x * x) / (2 * sigma ** 2));
  const total = sums.at(-1)!;
  return (x) => sums[Math.min(Math.max(Math.floor(x) + reach + 1, 0), sums.length - 1)]! / total;
}

/** The largest distance between the samples' distribution and the exact one, times the root of their number. */
function kolmogorov(samples: readonly number[], sigma: number): number {
  const below = cumulative(sigma);
  const sorted = samples.toSorted((a, b) => a - b);
  let distance = 0;
  for (const [index, sample] of sorted.entries()) {
    if (sample === sorted[index + 1]) continue;
    distance = Math.max(distance, Math.abs((index + 1) / sorted.length - below(sample)));
  }
  return distance * Math.sqrt(sorted.length);
}

describe('addCodeNoise()', () => {
  test.each([
    3, 5, 8, 12,
  ])('follows the discrete Gaussian of deviation 2^%d: Kolmogorov and Smirnov', (deviationBits) => {
    const codes = new Int32Array(60_000).fill(-7);
    addCodeNoise(codes, { words: wordsOf(`codes ${deviationBits}`), deviationBits });
    const samples = Array.from(codes, (code) => code + 7);
    // Exceeded by one sample in a hundred thousand; these are the same in every run.
    expect(kolmogorov(samples, 2 ** deviationBits)).toBeLessThan(2.47);
    // The test has the power to see a deviation that is wrong by six in a hundred.
    expect(kolmogorov(samples, 1.06 * 2 ** deviationBits)).toBeGreaterThan(2.47);
  });

  test('adds modulo the width of the words', () => {
    const plain = new Int32Array(40_000);
    addCodeNoise(plain, { words: wordsOf('same'), deviationBits: 8 });
    for (const [codes, start] of [
      [new Int16Array(40_000), 0x7fff],
      [new Int32Array(40_000), 0x7fff_ffff],
    ] as const) {
      codes.fill(start);
      addCodeNoise(codes, { words: wordsOf('same'), deviationBits: 8 });
      const back = codes.slice();
      for (let i = 0; i < back.length; i += 1) back[i] = (back[i]! - start) | 0;
      expect(Array.from(back)).toEqual(Array.from(plain));
      expect(codes.some((code) => code < 0)).toBe(true);
    }
  });

  test('adds to each number its own noise, and none to a vector of none', () => {
    const codes = new Int32Array(2 ** 15 + 3);
    addCodeNoise(codes, { words: wordsOf('pieces'), deviationBits: 20 });
    const [first, second] = [codes.subarray(0, 2 ** 14), codes.subarray(2 ** 14, 2 ** 15)];
    expect(first).not.toEqual(second);
    const product = first.reduce((sum, value, i) => sum + value * second[i]!, 0) / 2 ** 14 / 2 ** 40;
    expect(Math.abs(product)).toBeLessThan(5 / Math.sqrt(2 ** 14));
    expect(() => addCodeNoise(new Int32Array(0), { words: wordsOf('none'), deviationBits: 5 })).not.toThrow();
  });
});
