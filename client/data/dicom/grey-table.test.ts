import { describe, expect, test } from 'vitest';
import { greyTable, isPadding, storedNumber } from './grey-table.ts';
import type { PixelFormat } from './pixel-format.ts';

const signed16: PixelFormat = {
  rows: 16,
  columns: 16,
  frames: 1,
  bitsAllocated: 16,
  bitsStored: 16,
  highBit: 15,
  signed: true,
  padding: null,
  inverted: false,
};
const unsigned12: PixelFormat = { ...signed16, bitsStored: 12, highBit: 11, signed: false };
const lung = { kind: 'hounsfield', rescale: { slope: 1, intercept: -1024 }, low: -1000, high: 400 } as const;

describe('storedNumber()', () => {
  test.each<[string, Partial<PixelFormat>, number, number]>([
    ['16 bits signed', {}, 0xf830, -2000],
    ['12 bits unsigned, overlay above', { bitsStored: 12, highBit: 11, signed: false }, 0xf123, 0x123],
    ['12 bits signed', { bitsStored: 12, highBit: 11 }, 0x0fff, -1],
    ['13 bits signed without sign extension', { bitsStored: 13, highBit: 12 }, 0x1830, -2000],
    ['12 bits in the upper part', { bitsStored: 12, highBit: 15, signed: false }, 0x1230, 0x123],
    ['8 bits', { bitsAllocated: 8, bitsStored: 8, highBit: 7, signed: false }, 0xff, 255],
  ])('reads %s', (_, format, pattern, expected) => {
    expect(storedNumber(pattern, { ...signed16, ...format })).toBe(expected);
  });
});

describe('greyTable()', () => {
  test('takes stored numbers through rescale and window', () => {
    const table = greyTable(unsigned12, lung);
    expect(table[24]).toBe(0);
    expect(table[0]).toBe(0);
    expect(table[1424]).toBe(255);
    expect(table[4095]).toBe(255);
    // -300 HU is half way.
    expect(table[724]).toBeCloseTo(127.5, 4);
  });

  test('applies a slope', () => {
    const table = greyTable(unsigned12, { ...lung, rescale: { slope: 2, intercept: -1024 } });
    expect(table[362]).toBeCloseTo(127.5, 4);
  });

  test('shows padding black although its number lies inside the window', () => {
    const padded = { ...unsigned12, padding: { from: 700, to: 724 } };
    const table = greyTable(padded, lung);
    expect([table[699]! > 0, table[700], table[724], table[725]! > 0]).toEqual([true, 0, 0, true]);
  });

  test('knows padding that does not fit the stored bits', () => {
    const padded = { ...unsigned12, padding: { from: 0xf830, to: 0xf830 } };
    expect(isPadding(0xf830, padded)).toBe(true);
    expect(isPadding(0x0830, padded)).toBe(false);
  });

  test('inverts MONOCHROME1 without Hounsfield units', () => {
    const eight = { ...unsigned12, bitsAllocated: 8, bitsStored: 8, highBit: 7, inverted: true } as const;
    const table = greyTable(eight, { kind: 'own-range', low: 0, high: 255 });
    expect([table[0], table[55], table[255]]).toEqual([255, 200, 0]);
    expect(table).toHaveLength(256);
  });

  test('leaves Hounsfield units as they are under MONOCHROME1, because inversion only concerns their display', () => {
    expect(greyTable({ ...unsigned12, inverted: true }, lung)).toEqual(greyTable(unsigned12, lung));
  });
});
