import { describe, expect, test } from 'vitest';
import { encodeRle } from '../test-support/encode-rle.ts';
import { decodeRle } from './rle.ts';

const shape16 = { rows: 8, columns: 16, bitsAllocated: 16 } as const;
const image16 = Uint16Array.from({ length: 128 }, (_, index) => (index < 40 ? 513 : (index * 2654435761) >>> 16));

describe('decodeRle()', () => {
  test('gives back 16-bit pixels with runs and literals', () => {
    expect(decodeRle(encodeRle(image16), shape16)).toEqual(image16);
  });

  test('gives back 8-bit pixels', () => {
    const image = Uint8Array.from({ length: 128 }, (_, index) => (index % 5 === 0 ? 7 : index));
    expect(decodeRle(encodeRle(image), { rows: 8, columns: 16, bitsAllocated: 8 })).toEqual(image);
  });

  test('decodes the worked example of PackBits: a literal of 2, a run of 4, a no-op', () => {
    const header = Buffer.alloc(64);
    header.writeUInt32LE(1, 0);
    header.writeUInt32LE(64, 4);
    const bytes = Buffer.concat([header, Buffer.from([1, 0xaa, 0xbb, 0x80, 0xfd, 0xcc])]);
    const samples = decodeRle(new Uint8Array(bytes), { rows: 2, columns: 3, bitsAllocated: 8 });
    expect([...samples]).toEqual([0xaa, 0xbb, 0xcc, 0xcc, 0xcc, 0xcc]);
  });

  test('refuses a segment that ends early', () => {
    const bytes = encodeRle(image16);
    expect(() => decodeRle(bytes.subarray(0, bytes.length - 20), shape16)).toThrow('damaged');
  });

  test('refuses a segment that runs past the image', () => {
    expect(() => decodeRle(encodeRle(image16), { rows: 4, columns: 16, bitsAllocated: 16 })).toThrow('damaged');
  });

  test('refuses another number of planes than the header says', () => {
    expect(() => decodeRle(encodeRle(image16), { rows: 8, columns: 16, bitsAllocated: 8 })).toThrow('size or depth');
  });

  test('refuses segment offsets outside the data', () => {
    const bytes = encodeRle(image16);
    new DataView(bytes.buffer).setUint32(8, 0xffffff, true);
    expect(() => decodeRle(bytes, shape16)).toThrow('damaged');
  });
});
