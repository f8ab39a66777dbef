import { describe, expect, test } from 'vitest';
import { giveBack } from './give-back.ts';

describe('giveBack()', () => {
  test('takes the memory away from whoever has it still', () => {
    const bytes = new Uint8Array(1 << 16).fill(1);
    giveBack(bytes);
    expect(bytes.length).toBe(0);
  });

  test.each([
    ['a part of a larger piece', new Uint8Array(100).subarray(1)],
    ['shared memory', new Uint8Array(new SharedArrayBuffer(100))],
  ])('leaves %s as it is', (_, bytes) => {
    const { length } = bytes;
    giveBack(bytes);
    expect(bytes.length).toBe(length);
  });
});
