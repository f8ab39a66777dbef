/** Discrete Gaussian noise on the integer codes of an update, for noise that only counts in the sum of many sites. */
import type { CodeWords } from '../bytes/code-words.ts';
import { addGridGaussian } from './grid-gaussian.ts';
import type { RandomWords } from './random-words.ts';

/** Numbers that are made at a time: little memory, whatever the length of the codes. */
const PIECE_NUMBERS = 1 << 14;

/**
 * Adds independent noise of the standard deviation 2^deviationBits to each code, modulo the words' width.
 *
 * @param options.deviationBits 1 to 20.
 */
export function addCodeNoise(
  codes: CodeWords,
  { words, deviationBits }: { readonly words: RandomWords; readonly deviationBits: number },
): void {
  const noise = new Float64Array(Math.min(PIECE_NUMBERS, codes.length));
  for (let first = 0; first < codes.length; first += noise.length) {
    const piece = noise.subarray(0, Math.min(noise.length, codes.length - first)).fill(0);
    addGridGaussian(piece, { words, bits: deviationBits });
    for (let i = 0; i < piece.length; i += 1) codes[first + i] = (codes[first + i]! + piece[i]!) | 0;
  }
  noise.fill(0);
}
