/**
 * Exact samples of the discrete Gaussian (Canonne, Kamath and Steinke 2020, arXiv 2004.00010, algorithms 1 to 3): the whole
 * number x has a probability proportional to exp(-x^2 / (2 sigma^2)).
 *
 * No decision is made in floating point: noise from rounded logarithms and roots betrays, by which numbers it can and cannot
 * give, what it was added to (Mironov 2012).
 */
import type { RandomWords } from './random-words.ts';

/** A ratio of whole numbers: numerator >= 0, denominator > 0. */
export interface Ratio {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** @throws {RangeError} when the variance is not above zero. */
export function sampleDiscreteGaussian(words: RandomWords, variance: Ratio): bigint {
  const { numerator, denominator } = variance;
  if (numerator <= 0n || denominator <= 0n) {
    throw new RangeError('Cannot sample noise: the variance must be above zero');
  }
  const scale = rootFloor(numerator / denominator) + 1n;
  for (;;) {
    const proposed = sampleDiscreteLaplace(words, scale);
    const size = proposed < 0n ? -proposed : proposed;
    // (|y| - variance / scale)^2 / (2 variance), over one denominator.
    const distance = size * denominator * scale - numerator;
    const accepts = sampleBernoulliExp(words, {
      numerator: distance * distance,
      denominator: 2n * numerator * denominator * scale * scale,
    });
    if (accepts) return proposed;
  }
}

/** x with a probability proportional to exp(-|x| / scale). */
function sampleDiscreteLaplace(words: RandomWords, scale: bigint): bigint {
  for (;;) {
    const rest = words.belowLarge(scale);
    if (!sampleBernoulliExp(words, { numerator: rest, denominator: scale })) continue;
    let whole = 0n;
    while (sampleBernoulliExp(words, { numerator: 1n, denominator: 1n })) whole += 1n;
    const size = rest + scale * whole;
    const isNegative = words.bits(1) === 1;
    // Zero has one sign only.
    if (isNegative && size === 0n) continue;
    return isNegative ? -size : size;
  }
}

/** True with probability exp(-numerator / denominator). */
export function sampleBernoulliExp(words: RandomWords, { numerator, denominator }: Ratio): boolean {
  for (let whole = numerator / denominator; whole > 0n; whole -= 1n) {
    if (!isEvenRun(words, { numerator: 1n, denominator: 1n })) return false;
  }
  return isEvenRun(words, { numerator: numerator % denominator, denominator });
}

/** The same for ratios up to one: a run of successes, each k-th of probability ratio / k, that has an even length. */
function isEvenRun(words: RandomWords, { numerator, denominator }: Ratio): boolean {
  let tries = 1n;
  while (words.belowLarge(denominator * tries) < numerator) tries += 1n;
  return tries % 2n === 1n;
}

/** The largest whole number whose square is at most n (Newton's method). */
function rootFloor(n: bigint): bigint {
  if (n < 2n) return n;
  let root = 1n << BigInt(Math.ceil(n.toString(2).length / 2));
  for (;;) {
    const next = (root + n / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
