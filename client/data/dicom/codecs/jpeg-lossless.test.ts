import { describe, expect, test } from 'vitest';
import { encodeJpegLossless } from '../test-support/encode-jpeg-lossless.ts';
import { decodeJpegLossless } from './jpeg-lossless.ts';

const rows = 24;
const columns = 20;
const shape = { rows, columns, bitsAllocated: 16 } as const;

/** Smooth with sudden steps over the whole range, so that all categories occur. */
function image(precision: number): Uint16Array {
  const top = 2 ** precision - 1;
  return Uint16Array.from({ length: rows * columns }, (_, index) => {
    const smooth = Math.round(top * (0.5 + 0.4 * Math.sin(index / 9)));
    return index % 37 === 0 ? top : index % 41 === 0 ? 0 : smooth;
  });
}

describe('decodeJpegLossless()', () => {
  test.each([1, 2, 3, 4, 5, 6, 7])('gives back every pixel with predictor %i', (predictor) => {
    const pixels = image(12);
    expect(decodeJpegLossless(encodeJpegLossless(pixels, { rows, columns, precision: 12, predictor }), shape)).toEqual(
      pixels,
    );
  });

  test('gives back the full 16-bit range, the difference of 32,768 included', () => {
    const pixels = image(16);
    pixels.set([0, 32_768, 0, 65_535, 32_767], 100);
    expect(decodeJpegLossless(encodeJpegLossless(pixels, { rows, columns, precision: 16 }), shape)).toEqual(pixels);
  });

  test('gives back 8-bit pixels', () => {
    const pixels = Uint8Array.from(image(8));
    const bytes = encodeJpegLossless(pixels, { rows, columns, precision: 8, predictor: 7 });
    expect(decodeJpegLossless(bytes, { rows, columns, bitsAllocated: 8 })).toEqual(pixels);
  });

  test.each([1, 5])('starts anew after restart markers with predictor %i', (predictor) => {
    const pixels = image(12);
    const bytes = encodeJpegLossless(pixels, { rows, columns, precision: 12, predictor, restartLines: 4 });
    expect(decodeJpegLossless(bytes, shape)).toEqual(pixels);
  });

  test('shifts a point transform back', () => {
    const pixels = image(12).map((value) => value & ~3);
    const bytes = encodeJpegLossless(pixels, { rows, columns, precision: 12, pointTransform: 2 });
    expect(decodeJpegLossless(bytes, shape)).toEqual(pixels);
  });

  test('refuses data that ends early instead of filling up with grey', () => {
    const bytes = encodeJpegLossless(image(12), { rows, columns, precision: 12 });
    expect(() => decodeJpegLossless(bytes.subarray(0, bytes.length >> 1), shape)).toThrow('damaged');
  });

  test('refuses a code that no table has', () => {
    const bytes = encodeJpegLossless(image(12), { rows, columns, precision: 12 });
    const scan = bytes.findIndex((byte, index) => byte === 0xff && bytes[index + 1] === 0xda);
    const broken = bytes.slice();
    // Fourteen ones: the all-ones code belongs to nobody.
    broken.set([0xfe, 0xfe, 0xfe, 0xfe], scan + 10);
    broken.fill(0xfe, scan + 14, scan + 40);
    expect(() => decodeJpegLossless(broken, shape)).toThrow('damaged');
  });

  test('refuses a missing code table', () => {
    const bytes = encodeJpegLossless(image(12), { rows, columns, precision: 12 });
    bytes[3] = 0xe0;
    expect(() => decodeJpegLossless(bytes, shape)).toThrow('damaged');
  });
});
