import { expect, test } from 'vitest';
import { textsIn } from './texts-in.ts';

test('textsIn() gives rows of all arrays, as long as before', () => {
  const rows = (offset: number) => Int32Array.from({ length: 6 }, (_, index) => offset + index);
  const texts = { count: 3, length: 2, ids: rows(0), attentionMask: rows(10), tokenTypeIds: rows(20) };
  expect(textsIn(texts, { first: 1, count: 2 })).toEqual({
    count: 2,
    length: 2,
    ids: Int32Array.of(2, 3, 4, 5),
    attentionMask: Int32Array.of(12, 13, 14, 15),
    tokenTypeIds: Int32Array.of(22, 23, 24, 25),
  });
});
