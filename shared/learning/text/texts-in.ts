import type { EncodedTexts } from './encode-texts.ts';

/** Some of the texts, one after another, as long as before. */
export function textsIn(
  { length, ids, attentionMask, tokenTypeIds }: EncodedTexts,
  { first, count }: { readonly first: number; readonly count: number },
): EncodedTexts {
  const rows = (values: Int32Array) => values.subarray(first * length, (first + count) * length);
  return { count, length, ids: rows(ids), attentionMask: rows(attentionMask), tokenTypeIds: rows(tokenTypeIds) };
}
