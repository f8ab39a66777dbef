/**
 * A fingerprint as six words that two people can compare over the telephone. The 4,096 words are made by rule, consonant,
 * vowel, consonant, vowel, from letters that are hard to mishear: six of them are the first 72 bits of the fingerprint.
 */
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';

const CONSONANTS = 'bdfghjklmnprstvz';
const VOWELS = 'aiou';
const WORDS = 6;
const HEX_DIGITS_A_WORD = 3;

function word(bits: number): string {
  return [CONSONANTS[(bits >> 8) & 15], VOWELS[(bits >> 6) & 3], CONSONANTS[(bits >> 2) & 15], VOWELS[bits & 3]].join(
    '',
  );
}

/** For example `bafi-zotu-…`, six words. Both sides print them; if one word differs, somebody is in between. */
export function fingerprintWords(fingerprint: Sha256Hex): string {
  if (!/^[0-9a-f]{64}$/.test(fingerprint)) {
    throw new TypeError('Cannot say the fingerprint in words: needed 64 hexadecimal digits');
  }
  return Array.from({ length: WORDS }, (_, index) => {
    const digits = fingerprint.slice(index * HEX_DIGITS_A_WORD, (index + 1) * HEX_DIGITS_A_WORD);
    return word(Number.parseInt(digits, 16));
  }).join('-');
}
