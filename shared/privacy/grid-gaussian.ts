/**
 * Discrete Gaussian noise on a grid whose step is a power of two below its standard deviation, fast enough for the millions
 * of numbers of a gradient. The method is that of discrete-gaussian.ts with scale = sigma = 2^bits, where every whole number
 * on the way stays below 2^53 and is computed exactly in JavaScript's numbers.
 */
import { sampleBernoulliExp } from './discrete-gaussian.ts';
import type { RandomWords } from './random-words.ts';

const LARGEST_BITS = 20;
/** Above it the square is no exact number; once in e^63 samples. */
const LARGEST_SQUARED = 2 ** 26;

/**
 * Adds independent noise of the standard deviation 2^bits to each of the whole numbers.
 *
 * @param options.bits 1 to 20.
 */
export function addGridGaussian(
  numbers: Float64Array,
  { words, bits }: { readonly words: RandomWords; readonly bits: number },
): void {
  if (!(Number.isInteger(bits) && bits >= 1 && bits <= LARGEST_BITS)) {
    throw new RangeError(`Cannot add noise: the grid must have 1 to ${LARGEST_BITS} bits, found ${bits}`);
  }
  for (let index = 0; index < numbers.length; index += 1) numbers[index]! += sampleGridGaussian(words, bits);
}

function sampleGridGaussian(words: RandomWords, bits: number): number {
  const sigma = 2 ** bits;
  for (;;) {
    const rest = words.bits(bits);
    if (!isEvenRun(words, rest, bits)) continue;
    let whole = 0;
    while (isEvenRunOfOne(words)) whole += 1;
    const size = rest + sigma * whole;
    const isNegative = words.bits(1) === 1;
    if (isNegative && size === 0) continue;
    if (accepts(words, Math.abs(size - sigma), bits)) return isNegative ? -size : size;
  }
}

/** True with probability exp(-distance^2 / 2^(2 bits + 1)). */
function accepts(words: RandomWords, distance: number, bits: number): boolean {
  const denominatorBits = 2 * bits + 1;
  if (distance > LARGEST_SQUARED) {
    const ratio = { numerator: BigInt(distance) ** 2n, denominator: 1n << BigInt(denominatorBits) };
    return sampleBernoulliExp(words, ratio);
  }
  const square = distance * distance;
  // Dividing by a power of two is exact.
  const whole = Math.floor(square / 2 ** denominatorBits);
  for (let count = 0; count < whole; count += 1) if (!isEvenRunOfOne(words)) return false;
  return isEvenRun(words, square - whole * 2 ** denominatorBits, denominatorBits);
}

/** True with probability exp(-numerator / 2^bits) for a numerator up to 2^bits. Success k is two draws: 1 / k and the ratio. */
function isEvenRun(words: RandomWords, numerator: number, bits: number): boolean {
  let tries = 1;
  while (words.below(tries) === 0 && isBelow(words, numerator, bits)) tries += 1;
  return tries % 2 === 1;
}

/** True with probability exp(-1). */
function isEvenRunOfOne(words: RandomWords): boolean {
  let tries = 1;
  while (words.below(tries) === 0) tries += 1;
  return tries % 2 === 1;
}

/** Whether a number of that many random bits is below the limit: its first 32 bits nearly always tell. */
function isBelow(words: RandomWords, limit: number, bits: number): boolean {
  if (bits <= 32) return words.bits(bits) < limit;
  const restBits = bits - 32;
  const first = words.word();
  const limitFirst = Math.floor(limit / 2 ** restBits);
  return first === limitFirst ? words.bits(restBits) < limit - limitFirst * 2 ** restBits : first < limitFirst;
}
