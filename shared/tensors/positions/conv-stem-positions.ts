import { sinCosPositions } from './sin-cos-positions.ts';

/** Pixels a side of what becomes one token: four convolutions halve the image, and an odd pixel left over counts. */
const tokenSizePixels = 16;

/**
 * MoCo v3's table for what a convolutional stem makes of an image: [1 + tokens, width], row by row.
 *
 * @throws {RangeError} when the width is not a multiple of four.
 */
export function convStemPositions(options: {
  readonly width: number;
  readonly imageHeightPixels: number;
  readonly imageWidthPixels: number;
}): { readonly shape: readonly [number, number]; readonly table: Float32Array } {
  const { width } = options;
  const rows = Math.ceil(options.imageHeightPixels / tokenSizePixels);
  const columns = Math.ceil(options.imageWidthPixels / tokenSizePixels);
  return { shape: [1 + rows * columns, width], table: sinCosPositions('moco', { width, rows, columns }) };
}
