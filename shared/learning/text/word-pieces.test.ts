import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { basicTokens } from './basic-tokens.ts';
import { readVocabulary } from './vocabulary.ts';
import { wordPieceIds } from './word-pieces.ts';

const specials = ['[PAD]', '[UNK]', '[CLS]', '[SEP]'];
const vocabularyOf = (tokens: Iterable<string>) =>
  readVocabulary(new TextEncoder().encode([...specials, ...tokens].join('\n')));

/** The pieces by their tokens, in the form a reader can check. */
function pieces(text: string, tokens: readonly string[]): string {
  const lines = [...specials, ...tokens];
  return wordPieceIds(text, vocabularyOf(tokens))
    .map((id) => lines[id])
    .join(' ');
}

describe('wordPieceIds()', () => {
  const tokens = [
    'pleur',
    'pleura',
    '##al',
    '##l',
    '##s',
    '##itis',
    'effusion',
    'no',
    '.',
    '[',
    ']',
    'un',
    '##cl',
    '##ear',
  ];

  test.each([
    ['takes the longest piece first', 'Pleural', 'pleura ##l'],
    ['goes on inside a word with pieces of ##', 'Effusions unclear.', 'effusion ##s un ##cl ##ear .'],
    ['gives a word that pieces do not fill one [UNK]', 'no pneumonia, pleuritis', 'no [UNK] [UNK] pleur ##itis'],
    ['does not begin a word with a piece of ##', 'al s', '[UNK] [UNK]'],
    ['does not go on with a piece that begins words', 'effusionno', '[UNK]'],
    ['takes special tokens in a text for text', '[SEP]', '[ [UNK] ]'],
    ['finds nothing in an empty text', '', ''],
  ])('%s', (_, text, expected) => {
    expect(pieces(text, tokens)).toBe(expected);
  });

  test('takes a word of 100 characters apart and one of 101 for unknown', () => {
    expect(pieces('a'.repeat(100), ['a', '##a']).split(' ')).toHaveLength(100);
    expect(pieces('a'.repeat(101), ['a', '##a'])).toBe('[UNK]');
    // Characters, not UTF-16 units.
    expect(pieces('𝐚'.repeat(100), ['𝐚', '##𝐚']).split(' ')).toHaveLength(100);
  });
});

const reports = path.resolve(import.meta.dirname, '../../../../shared/data/report-text');

describe.skipIf(!existsSync(reports))('wordPieceIds() on radiology reports', () => {
  test('covers every word, however small the vocabulary', () => {
    const text = [
      gunzipSync(readFileSync(path.join(reports, 'openi_filename_section_sent.csv.gz'))).toString(),
      readFileSync(path.join(reports, 'chexpert_sample_reports.csv'), 'utf8'),
    ].join('\n');
    const words = new Set(basicTokens(text));
    expect(words.size).toBeGreaterThan(1000);
    const syllables = [
      'pleura',
      'effusion',
      'cardio',
      'pneumo',
      '##thorax',
      '##media',
      '##stin',
      '##al',
      '##ing',
      '##ed',
    ];
    const tokens = [
      ...new Set([
        ...syllables,
        ...[...new Set(text.toLowerCase())].filter((c) => /[!-~]/.test(c)).flatMap((c) => [c, `##${c}`]),
      ]),
    ];
    const vocabulary = vocabularyOf(tokens);
    const lines = [...specials, ...tokens];
    for (const word of words) {
      if (!/^[!-~]{1,100}$/.test(word)) continue;
      const ids = wordPieceIds(word, vocabulary);
      expect(ids).not.toContain(vocabulary.unknownId);
      expect(ids.map((id, index) => (index === 0 ? lines[id]! : lines[id]!.slice(2))).join('')).toBe(word);
    }
  });
});
