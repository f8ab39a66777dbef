import { decodeRle } from '@wardround/client/data/dicom/codecs/rle.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { describe, expect, test } from 'vitest';
import { encodeRle } from './rle-encoder.ts';

const bytesOf = (values: readonly number[]) => new Uint8Array(Uint16Array.from(values).buffer);

describe('encodeRle()', () => {
  test('writes the header, then the high bytes, then the low bytes, each row by itself', () => {
    const coded = encodeRle(bytesOf([0x0105, 0x0105, 0x0105, 0x0105, 0x0201, 0x0302, 0x0403, 0x0504]), { columns: 4 });
    const header = new DataView(coded.buffer, coded.byteOffset);
    expect([0, 4, 8, 12].map((offset) => header.getUint32(offset, true))).toEqual([2, 64, 72, 0]);
    // Worked by hand from PS3.5 annex G: four times 1 is (257 - 4, 1); four literals are (4 - 1) and the bytes.
    expect([...coded.subarray(64, 72)]).toEqual([253, 1, 3, 2, 3, 4, 5, 0]);
    expect([...coded.subarray(72)]).toEqual([253, 5, 3, 1, 2, 3, 4, 0]);
  });

  test.each([
    ['one value', () => 1200, 128],
    ['noise', (_: number, random: () => number) => Math.floor(random() * 65_536), 128],
    ['runs that end at 127, 128 and 129', (index: number) => (index % 400 < 257 ? 7 : index), 400],
    ['pairs', (index: number) => index >> 1, 130],
  ] as const)('is undone by a decoder: %s', (_, value, columns) => {
    const random = createRandom('rle').next;
    const rows = 3;
    const values = Uint16Array.from({ length: rows * columns }, (__, index) => value(index, random));
    const coded = encodeRle(new Uint8Array(values.buffer), { columns });
    expect(decodeRle(coded, { rows, columns, bitsAllocated: 16 })).toEqual(values);
    expect(coded.length % 2).toBe(0);
  });
});
