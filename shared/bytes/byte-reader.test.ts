import { expect, test } from 'vitest';
import { createByteReader } from './byte-reader.ts';

test('createByteReader() reads fields in order and refuses to pass the end', () => {
  const reader = createByteReader(Uint8Array.of(1, 2, 3, 4, 5));
  expect([...reader.take(2, 'version')]).toEqual([1, 2]);
  expect(reader.remaining).toBe(3);
  expect(() => reader.take(4, 'nonce')).toThrow('Cannot read the nonce: needed 4 bytes, found 3 before the end');
  expect([...reader.take(3, 'body')]).toEqual([3, 4, 5]);
  expect([...reader.take(0, 'rest')]).toEqual([]);
  expect(reader.remaining).toBe(0);
});
