import { describe, expect, test } from 'vitest';
import { encodeTexts } from './encode-texts.ts';
import { readVocabulary } from './vocabulary.ts';

const vocabulary = readVocabulary(new TextEncoder().encode('[PAD]\n[UNK]\n[CLS]\n[SEP]\nno\neffusion\n##s\n'));

describe('encodeTexts()', () => {
  test('puts [CLS] and [SEP] around each text and pads to the longest', () => {
    const encoded = encodeTexts(['No effusions', 'effusion', ''], { vocabulary, maximumTokens: 100 });
    expect(encoded).toMatchObject({ count: 3, length: 5 });
    expect([...encoded.ids]).toEqual([2, 4, 5, 6, 3, 2, 5, 3, 0, 0, 2, 3, 0, 0, 0]);
    expect([...encoded.attentionMask]).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 0]);
    expect([...encoded.tokenTypeIds]).toEqual(new Array(15).fill(0));
  });

  test('cuts a text off before its [SEP]', () => {
    const encoded = encodeTexts(['no effusions no'], { vocabulary, maximumTokens: 4 });
    expect([...encoded.ids]).toEqual([2, 4, 5, 3]);
    expect([...encoded.attentionMask]).toEqual([1, 1, 1, 1]);
  });

  test('refuses a length without room for a piece', () => {
    expect(() => encodeTexts(['no'], { vocabulary, maximumTokens: 2 })).toThrow(RangeError);
  });
});
