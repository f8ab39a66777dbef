/**
 * Shows whether masks cancelled: every site's vector ends with a 1, so the sum must end with the number of survivors, and
 * every other number must be one that so many vectors can add up to. A sum from which masks were not taken out whole is
 * uniformly random: it passes the canary with probability 2^-32 and d range checks with about 4^-d.
 */

/** How many numbers the canary adds to the end of a vector. */
export const CANARY_WORDS = 1;
/** What each site puts there. */
export const CANARY = 1;

export type SumFault = 'canary-wrong' | 'sum-out-of-range';

/** @param options `largest`: what no number of the sum can exceed, in either direction; 2^29 for the update code. */
export function sumFault(
  sum: Int32Array,
  options: { readonly survivors: number; readonly largest: number },
): SumFault | null {
  const { survivors, largest } = options;
  if (sum.at(-CANARY_WORDS) !== survivors * CANARY) return 'canary-wrong';
  for (let i = 0; i < sum.length - CANARY_WORDS; i += 1) {
    const value = sum[i]!;
    if (value > largest || value < -largest) return 'sum-out-of-range';
  }
  return null;
}
