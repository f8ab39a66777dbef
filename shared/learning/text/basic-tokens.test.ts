import { describe, expect, test } from 'vitest';
import { basicTokens } from './basic-tokens.ts';

describe('basicTokens()', () => {
  test.each([
    ['lower-cases and takes accents off', 'Größe CAFÉ naïve', ['große', 'cafe', 'naive']],
    [
      'splits around each mark',
      "patient's (5.2cm)...",
      ['patient', "'", 's', '(', '5', '.', '2cm', ')', '.', '.', '.'],
    ],
    ['takes ASCII signs for marks', 'a$b^c`d', ['a', '$', 'b', '^', 'c', '`', 'd']],
    ['keeps signs beyond ASCII in the word', '5×3 cm³', ['5×3', 'cm³']],
    ['takes every white space for one', 'a\u00a0b\u2003c\td\r\ne', ['a', 'b', 'c', 'd', 'e']],
    [
      'drops control characters, zero-width spaces and broken bytes',
      'a\u0000b\u200bc\ufeffd\ufffde\u000bf',
      ['abcdef'],
    ],
    ['sets Chinese characters apart but not kana and Korean', '心脏heart かな 폐', ['心', '脏', 'heart', 'かな', '폐']],
    ['treats a sigma the same at the end of a word', 'ΣΊΣΥΦΟΣ', ['σισυφοσ']],
    ['finds nothing in nothing', ' \n\u0301', []],
  ])('%s', (_, text, tokens) => {
    expect(basicTokens(text).map((token) => token.normalize('NFC'))).toEqual(tokens);
  });
});
