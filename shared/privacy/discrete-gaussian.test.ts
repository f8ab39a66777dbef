import { describe, expect, test } from 'vitest';
import { sampleBernoulliExp, sampleDiscreteGaussian } from './discrete-gaussian.ts';
import { addGridGaussian } from './grid-gaussian.ts';
import { createRandomWords } from './random-words.ts';
import { seededBytes } from './testing/seeded-bytes.ts';

const wordsOf = (seed: string) => createRandomWords(seededBytes(seed));

/** Chi-square of the samples against the exact probabilities, over whole numbers expected at least ten times and the rest. */
function chiSquare(samples: readonly number[], variance: number): { statistic: number; freedom: number } {
  const weight = (x: number) => Math.exp((-x * x) / (2 * variance));
  const reach = Math.ceil(12 * Math.sqrt(variance));
  let total = 0;
  for (let x = -reach; x <= reach; x += 1) total += weight(x);
  const counts = new Map<number, number>();
  for (const sample of samples) counts.set(sample, (counts.get(sample) ?? 0) + 1);
  let [statistic, cells, expectedLeft, foundLeft] = [0, 0, samples.length, samples.length];
  for (let x = -reach; x <= reach; x += 1) {
    const expected = (samples.length * weight(x)) / total;
    if (expected < 10) continue;
    const found = counts.get(x) ?? 0;
    statistic += (found - expected) ** 2 / expected;
    [cells, expectedLeft, foundLeft] = [cells + 1, expectedLeft - expected, foundLeft - found];
  }
  return { statistic: statistic + (foundLeft - expectedLeft) ** 2 / Math.max(expectedLeft, 1), freedom: cells };
}

/** Five standard deviations of a chi-square above its mean: the samples are the same in every run. */
function expectToFit(samples: readonly number[], variance: number): void {
  const { statistic, freedom } = chiSquare(samples, variance);
  expect(freedom).toBeGreaterThan(2);
  expect(statistic).toBeLessThan(freedom + 5 * Math.sqrt(2 * freedom));
  const mean = samples.reduce((sum, x) => sum + x, 0) / samples.length;
  const square = samples.reduce((sum, x) => sum + x * x, 0) / samples.length;
  const error = 1 / Math.sqrt(samples.length);
  expect(Math.abs(mean)).toBeLessThan(4 * error * Math.sqrt(variance));
  // The discrete variance is below the continuous one where the steps are coarse.
  expect(Math.abs(square / discreteVariance(variance) - 1)).toBeLessThan(4 * error * Math.SQRT2 * 1.2);
}

function discreteVariance(variance: number): number {
  let [total, squares] = [0, 0];
  for (let x = -400; x <= 400; x += 1) {
    const weight = Math.exp((-x * x) / (2 * variance));
    total += weight;
    squares += x * x * weight;
  }
  return squares / total;
}

describe('sampleDiscreteGaussian()', () => {
  test.each([
    { numerator: 1n, denominator: 1n },
    { numerator: 1n, denominator: 3n },
    { numerator: 37n, denominator: 10n },
    { numerator: 400n, denominator: 1n },
  ])('has the mean, variance and frequencies of variance $numerator / $denominator', (variance) => {
    const words = wordsOf(`variance ${variance.numerator} / ${variance.denominator}`);
    const samples = Array.from({ length: 30_000 }, () => Number(sampleDiscreteGaussian(words, variance)));
    expectToFit(samples, Number(variance.numerator) / Number(variance.denominator));
  });

  test('gives the known samples for known bytes', () => {
    const words = wordsOf('known answer');
    const variance = { numerator: 10n ** 40n, denominator: 7n };
    expect(Array.from({ length: 4 }, () => sampleDiscreteGaussian(words, variance))).toEqual([
      15968340333295467380n,
      -52047537891984692886n,
      -13062970721010371429n,
      -19960903436911013552n,
    ]);
    const small = wordsOf('known answer, small');
    const samples = Array.from({ length: 12 }, () => sampleDiscreteGaussian(small, { numerator: 9n, denominator: 1n }));
    expect(samples).toEqual([-3n, -1n, -2n, 1n, -1n, 2n, 1n, 0n, -4n, 2n, 1n, 0n]);
  });

  test('refuses a variance of zero', () => {
    expect(() => sampleDiscreteGaussian(wordsOf('none'), { numerator: 0n, denominator: 1n })).toThrow(RangeError);
  });
});

describe('sampleBernoulliExp()', () => {
  test.each([
    [0n, 1n],
    [1n, 7n],
    [1n, 1n],
    [5n, 2n],
  ])('of %d / %d is true as often as exp says', (numerator, denominator) => {
    const words = wordsOf(`bernoulli ${numerator}`);
    const count = 20_000;
    let found = 0;
    for (let index = 0; index < count; index += 1)
      found += Number(sampleBernoulliExp(words, { numerator, denominator }));
    const probability = Math.exp(-Number(numerator) / Number(denominator));
    expect(Math.abs(found / count - probability)).toBeLessThanOrEqual(
      4 * Math.sqrt((probability * (1 - probability)) / count),
    );
  });
});

describe('addGridGaussian()', () => {
  test.each([1, 2, 4])('has the mean, variance and frequencies of a deviation of 2^%d', (bits) => {
    const numbers = new Float64Array(60_000);
    addGridGaussian(numbers, { words: wordsOf(`grid ${bits}`), bits });
    expectToFit([...numbers], 4 ** bits);
  });

  test.each([17, 20])('has the mean and the tails of a Gaussian of a deviation of 2^%d', (bits) => {
    const numbers = new Float64Array(60_000).fill(3);
    addGridGaussian(numbers, { words: wordsOf(`fine grid ${bits}`), bits });
    // In half deviations; within a cell of half a deviation the density is that of the continuous Gaussian.
    const share = (reach: number) => numbers.filter((x) => Math.abs(x - 3) < reach * 2 ** bits).length / numbers.length;
    for (const [reach, expected] of [
      [0.5, 0.382925],
      [1, 0.682689],
      [2, 0.9545],
      [3, 0.9973],
    ] as const) {
      expect(Math.abs(share(reach) - expected)).toBeLessThan(
        4 * Math.sqrt((expected * (1 - expected)) / numbers.length),
      );
    }
    const mean = numbers.reduce((sum, x) => sum + (x - 3), 0) / numbers.length;
    expect(Math.abs(mean) / 2 ** bits).toBeLessThan(4 / Math.sqrt(numbers.length));
    expect(numbers.every(Number.isInteger)).toBe(true);
    // All of the grid is used, not only every second number.
    expect(Math.abs(numbers.filter((x) => x % 2 === 0).length / numbers.length - 0.5)).toBeLessThan(0.01);
  });

  test('gives the known samples for known bytes', () => {
    const numbers = new Float64Array(6);
    addGridGaussian(numbers, { words: wordsOf('known answer, grid'), bits: 20 });
    expect([...numbers]).toEqual([-484094, -1163693, 142303, -990062, 293748, 147362]);
  });

  test('refuses grids on which numbers would not be exact', () => {
    expect(() => addGridGaussian(new Float64Array(1), { words: wordsOf('fine'), bits: 21 })).toThrow(RangeError);
  });
});
