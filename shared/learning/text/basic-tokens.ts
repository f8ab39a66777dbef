/**
 * BERT's basic tokenisation (Devlin et al. 2019; the uncased form): control characters are dropped, accents and case are
 * taken off, and text is split at white space, around each punctuation mark and around each Chinese character.
 */

/** Control, format and private characters, halves of pairs and the replacement character, but no line ends. */
const dropped = /(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}\p{Cs}\uFFFD]/gu;
const accent = /\p{Mn}/gu;
/** Unicode's punctuation, and all ASCII that is neither letter, digit nor space: "$" and "^" are marks here too. */
const mark = /[!-/:-@[-`{-~]|\p{P}/u;
const alone = new RegExp(`(${mark.source}|${chineseCharacters()})`, 'gu');

/** The words and marks of a text in their order, lower-cased and without accents. */
export function basicTokens(text: string): string[] {
  const spaced = text.replace(dropped, '').replace(alone, ' $1 ');
  const plain = spaced.normalize('NFD').replace(accent, '');
  // Letter by letter: a word's last sigma keeps the form that the vocabulary has.
  const lower = Array.from(plain, (character) => character.toLowerCase()).join('');
  return lower.split(/\s+/u).filter((token) => token !== '');
}

/** The CJK blocks that BERT splits; Japanese kana and Korean are written in words and stay together. */
function chineseCharacters(): string {
  const blocks = [
    [0x4e00, 0x9fff],
    [0x3400, 0x4dbf],
    [0x20000, 0x2a6df],
    [0x2a700, 0x2b73f],
    [0x2b740, 0x2b81f],
    [0x2b820, 0x2ceaf],
    [0xf900, 0xfaff],
    [0x2f800, 0x2fa1f],
  ];
  const code = (point: number) => `\\u{${point.toString(16)}}`;
  return `[${blocks.map(([first, last]) => `${code(first!)}-${code(last!)}`).join('')}]`;
}
