import { describe, expect, test } from 'vitest';
import { readVocabulary } from './vocabulary.ts';

const specials = ['[PAD]', '[UNK]', '[CLS]', '[SEP]'];
const bytes = (lines: readonly string[]) => new TextEncoder().encode(lines.join('\n'));

describe('readVocabulary()', () => {
  test.each(['\n', '\r\n'])('numbers the lines from 0 (line end %j)', (lineEnd) => {
    const text = `lung\n[PAD]\n[CLS]\n[UNK]\n[SEP]\n##itis\n`.replaceAll('\n', lineEnd);
    const vocabulary = readVocabulary(new TextEncoder().encode(text));
    expect(vocabulary).toMatchObject({ size: 6, paddingId: 1, classId: 2, unknownId: 3, separatorId: 4 });
    expect(vocabulary.ids.get('##itis')).toBe(5);
  });

  test('knows the longest piece without its ##', () => {
    expect(readVocabulary(bytes([...specials, '##itisitis', '心'])).longestToken).toBe(8);
  });

  test.each(specials)('refuses a file without %s by its name', (absent) => {
    const lines = [...specials.filter((token) => token !== absent), 'lung'];
    expect(() => readVocabulary(bytes(lines))).toThrow(
      new SyntaxError(`Cannot read the vocabulary: it has no line "${absent}"`),
    );
  });

  test('refuses a token that appears twice, by its lines', () => {
    expect(() => readVocabulary(bytes([...specials, 'lung', 'heart', 'lung']))).toThrow('line 7 repeats line 5');
  });

  test('refuses an empty line and a token with white space', () => {
    expect(() => readVocabulary(bytes([...specials, '', 'lung']))).toThrow('line 5 is empty');
    expect(() => readVocabulary(bytes([...specials, 'the lung']))).toThrow('line 5 holds white space');
  });

  test('refuses what is not UTF-8', () => {
    expect(() => readVocabulary(Uint8Array.of(0x5b, 0xff, 0x0a))).toThrow('must be UTF-8 text');
  });
});
