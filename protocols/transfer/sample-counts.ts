/**
 * The sample counts at the beginning of an update vector, in words that can be added.
 *
 * A count fits a word of 32 bits. In words of 16 bits it is written as nine digits to the base eight, the lowest first:
 * nine digits hold every count that a plan may allow (100 million), and the digits of 1170 sites add up to no more than
 * 2^13, as the codes do, so that one range check serves both. The sum of counts is read off the sums of digits.
 */
import type { CodeBits, CodeWords } from '@wardround/shared/bytes/code-words.ts';

const DIGIT_BITS = 3;
export const LARGEST_DIGIT = 2 ** DIGIT_BITS - 1;
const DIGITS = 9;

/** How many words the counts of so many groups take. */
export function sampleCountWords(groups: number, codeBits: CodeBits): number {
  return codeBits === 16 ? DIGITS * groups : groups;
}

/** @param counts whole numbers from 0 to 100 million. */
export function writeSampleCounts(counts: readonly number[], words: CodeWords): void {
  if (words instanceof Int32Array) {
    words.set(counts);
    return;
  }
  for (const [group, count] of counts.entries()) {
    for (let digit = 0; digit < DIGITS; digit += 1) {
      words[DIGITS * group + digit] = (count >>> (DIGIT_BITS * digit)) & LARGEST_DIGIT;
    }
  }
}

/** Reads the sum of the counts of `sites` sites; null when a digit is none that so many can have. */
export function readSampleCounts(
  words: CodeWords,
  { groups, sites }: { readonly groups: number; readonly sites: number },
): number[] | null {
  if (words instanceof Int32Array) return [...words.subarray(0, groups)];
  const counts: number[] = [];
  for (let group = 0; group < groups; group += 1) {
    let count = 0;
    for (let digit = DIGITS - 1; digit >= 0; digit -= 1) {
      const sum = words[DIGITS * group + digit]!;
      if (!(sum >= 0 && sum <= LARGEST_DIGIT * sites)) return null;
      count = 2 ** DIGIT_BITS * count + sum;
    }
    counts.push(count);
  }
  return counts;
}
