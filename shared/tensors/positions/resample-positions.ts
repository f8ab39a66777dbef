/** Position tables for another grid of patches than they were trained on. */
import { bicubicAntialiased, bilinear } from '../../imaging/interpolation.ts';
import { resampleAxes } from '../../imaging/resample-axis.ts';

/** How many patches an image has along each side. */
export interface PatchGrid {
  readonly rows: number;
  readonly columns: number;
}

/**
 * As timm resamples [1 + patches, width] when it loads a checkpoint: the class token's row is kept, the others become
 * another grid by antialiased bicubic interpolation.
 *
 * @throws {TypeError} when the table does not have one row more than `from` has patches.
 */
export function resamplePositions(
  table: Float32Array,
  { width, from, to }: { readonly width: number; readonly from: PatchGrid; readonly to: PatchGrid },
): Float32Array {
  requireSize(table, { width, from });
  const grid = resampleAxes(
    table.subarray(width),
    [from.rows, from.columns, width],
    [
      { axis: 0, ...bicubicAntialiased(from.rows, to.rows) },
      { axis: 1, ...bicubicAntialiased(from.columns, to.columns) },
    ],
  );
  const resampled = new Float32Array(width + grid.length);
  resampled.set(table.subarray(0, width));
  resampled.set(grid, width);
  return resampled;
}

/**
 * As fVLM starts its volume encoder from an image encoder: the class token's row is dropped, the others become the grid
 * within a slab by bilinear interpolation, and every one of `depth` slabs gets the same: [depth * rows * columns, width].
 *
 * @throws {TypeError} when the table does not have one row more than `from` has patches.
 */
export function inflatePositions(
  table: Float32Array,
  {
    width,
    from,
    to,
  }: { readonly width: number; readonly from: PatchGrid; readonly to: PatchGrid & { readonly depth: number } },
): Float32Array {
  requireSize(table, { width, from });
  const slab = resampleAxes(
    table.subarray(width),
    [from.rows, from.columns, width],
    [
      { axis: 0, ...bilinear(from.rows, to.rows) },
      { axis: 1, ...bilinear(from.columns, to.columns) },
    ],
  );
  const inflated = new Float32Array(to.depth * slab.length);
  for (let depth = 0; depth < to.depth; depth += 1) inflated.set(slab, depth * slab.length);
  return inflated;
}

function requireSize(table: Float32Array, { width, from }: { readonly width: number; readonly from: PatchGrid }): void {
  const expected = (1 + from.rows * from.columns) * width;
  if (table.length !== expected) {
    throw new TypeError(
      `Cannot resample positions: ${from.rows} x ${from.columns} patches and a class token of width ${width} need ${expected} numbers, found ${table.length}`,
    );
  }
}
