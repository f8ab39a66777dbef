import type { Vocabulary } from './vocabulary.ts';
import { wordPieceIds } from './word-pieces.ts';

/** A batch of texts as BERT reads them; the arrays are [count, length], row by row. */
export interface EncodedTexts {
  readonly count: number;
  /** Tokens a text, padding included. */
  readonly length: number;
  readonly ids: Int32Array;
  /** 1 for a text's own tokens, 0 for padding. */
  readonly attentionMask: Int32Array;
  /** Which of two texts a token belongs to: always 0, as each is encoded alone. */
  readonly tokenTypeIds: Int32Array;
}

/**
 * Encodes each text as [CLS] pieces [SEP], cut off at `maximumTokens` and padded to the longest of the batch, which
 * attention hides: a batch of short texts costs no more than they need.
 *
 * @throws {RangeError} when there is no room for a piece.
 */
export function encodeTexts(
  texts: readonly string[],
  { vocabulary, maximumTokens }: { readonly vocabulary: Vocabulary; readonly maximumTokens: number },
): EncodedTexts {
  if (!Number.isInteger(maximumTokens) || maximumTokens < 3) {
    throw new RangeError(`Cannot encode texts: they need room for at least 3 tokens, found ${maximumTokens}`);
  }
  const { classId, separatorId, paddingId } = vocabulary;
  const rows = texts.map((text) => [
    classId,
    ...wordPieceIds(text, vocabulary).slice(0, maximumTokens - 2),
    separatorId,
  ]);
  const length = Math.max(0, ...rows.map((row) => row.length));
  const ids = new Int32Array(texts.length * length).fill(paddingId);
  const attentionMask = new Int32Array(ids.length);
  rows.forEach((row, index) => {
    ids.set(row, index * length);
    attentionMask.fill(1, index * length, index * length + row.length);
  });
  return { count: texts.length, length, ids, attentionMask, tokenTypeIds: new Int32Array(ids.length) };
}
