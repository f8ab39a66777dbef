import { describe, expect, test } from 'vitest';
import { float32FromBytes, int32FromBytes, littleEndianBytes } from './little-endian.ts';

describe('littleEndianBytes()', () => {
  test('puts the least significant byte first', () => {
    expect([...littleEndianBytes(Int32Array.from([0x01020304, -2]))]).toEqual([4, 3, 2, 1, 0xfe, 0xff, 0xff, 0xff]);
    expect([...littleEndianBytes(Float32Array.from([1]))]).toEqual([0, 0, 0x80, 0x3f]);
  });

  test('covers exactly the numbers of a view', () => {
    expect([...littleEndianBytes(new Int32Array([1, 2, 3]).subarray(1, 2))]).toEqual([2, 0, 0, 0]);
  });
});

describe.each([
  ['float32FromBytes()', float32FromBytes],
  ['int32FromBytes()', int32FromBytes],
])('%s', (_, read) => {
  const bytes = littleEndianBytes(read === int32FromBytes ? Int32Array.from([7, -9]) : Float32Array.from([7, -9]));

  test('gives the numbers back at any position', () => {
    for (const position of [0, 1, 2, 3]) {
      const larger = new Uint8Array(bytes.length + position);
      larger.set(bytes, position);
      expect([...read(larger.subarray(position))]).toEqual([7, -9]);
    }
  });

  test('refuses half a number', () => {
    expect(() => read(bytes.subarray(0, 6))).toThrow('multiple of 4 bytes, found 6');
  });
});
