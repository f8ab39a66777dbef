/**
 * Shows whether masks cancelled: every site's vector ends with ones, so the sum must end with the number of survivors, and
 * every other number must be one that so many vectors can add up to. A sum from which masks were not taken out whole is
 * uniformly random: in words of 32 bits it passes the canary with probability 2^-32, and every range check with 1 in 4. A
 * canary of 16 bits alone would pass once in 65,536 times, so there are 64 of them: whatever the size of the model, at
 * least 64 words are looked at, which passes once in 2^128 times at most.
 */
import type { CodeBits, CodeWords } from '@wardround/shared/bytes/code-words.ts';

/** How many words of 32 bits the canary adds to the end of a vector. */
const CANARY_WORDS = 1;
const SHORT_CANARY_WORDS = 64;
/** What each site puts there. */
export const CANARY = 1;

/** How many words of that width the canary adds to the end of a vector. */
export function canaryWords(codeBits: CodeBits): number {
  return codeBits === 16 ? SHORT_CANARY_WORDS : CANARY_WORDS;
}

export type SumFault = 'canary-wrong' | 'sum-out-of-range';

/**
 * @param options `largest`: what no number of the sum can exceed, in either direction, but for the half that rounding may
 *   add at each site; 2^29 for the update code, 2^13 in words of 16 bits.
 */
export function sumFault(
  sum: CodeWords,
  options: { readonly survivors: number; readonly largest: number },
): SumFault | null {
  const { survivors } = options;
  const largest = options.largest + survivors / 2;
  const codes = sum.length - canaryWords(sum.BYTES_PER_ELEMENT === 2 ? 16 : 32);
  for (let i = codes; i < sum.length; i += 1) if (sum[i] !== survivors * CANARY) return 'canary-wrong';
  for (let i = 0; i < codes; i += 1) {
    const value = sum[i]!;
    if (value > largest || value < -largest) return 'sum-out-of-range';
  }
  return null;
}
