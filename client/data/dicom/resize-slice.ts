/**
 * Brings a slice to the study's size. Shrinking averages over the area each new pixel covers, so that fine noise does not
 * alias; enlarging is bilinear. A slice that is not square keeps its shape and is padded with black to a square.
 */
import type { Samples } from './codecs/samples.ts';

export interface ResizeOptions {
  readonly rows: number;
  readonly columns: number;
  readonly sizePixels: number;
  /** Grey level 0..255 by stored pattern. */
  readonly table: Float32Array;
}

/** Which old pixels each new pixel covers along one axis, when shrinking. */
interface Coverage {
  /** First and last old pixel that new pixel i touches. */
  readonly first: Int32Array;
  readonly last: Int32Array;
  /** How much of the first and of the last lies inside; those between lie inside wholly. When they are one, `first` holds all. */
  readonly firstShare: Float32Array;
  readonly lastShare: Float32Array;
}

function coverage(from: number, to: number): Coverage {
  const first = new Int32Array(to);
  const last = new Int32Array(to);
  const firstShare = new Float32Array(to);
  const lastShare = new Float32Array(to);
  const scale = from / to;
  for (let index = 0; index < to; index += 1) {
    const start = index * scale;
    const end = Math.min((index + 1) * scale, from);
    first[index] = Math.min(Math.floor(start), from - 1);
    last[index] = Math.min(Math.ceil(end) - 1, from - 1);
    const single = first[index] === last[index];
    firstShare[index] = single ? end - start : first[index]! + 1 - start;
    lastShare[index] = single ? 0 : end - last[index]!;
  }
  return { first, last, firstShare, lastShare };
}

interface RowToAdd {
  readonly samples: Samples;
  /** Where the row begins. */
  readonly start: number;
  readonly table: Float32Array;
  readonly weight: number;
}

interface Placement {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
}

function placement({ rows, columns, sizePixels }: ResizeOptions): Placement {
  const scale = sizePixels / Math.max(rows, columns);
  const width = Math.max(1, Math.round(columns * scale));
  const height = Math.max(1, Math.round(rows * scale));
  return { width, height, left: (sizePixels - width) >> 1, top: (sizePixels - height) >> 1 };
}

/** Adds `weight` times the grey levels of one row. A function of its own, because it is where the time goes. */
function addRow(sums: Float64Array, { samples, start, table, weight }: RowToAdd): void {
  for (let column = 0; column < sums.length; column += 1) sums[column]! += table[samples[start + column]!]! * weight;
}

/** [height, width] of grey levels by area averaging: rows are summed down first, so that columns are summed only once a new row. */
function shrink(samples: Samples, { rows, columns, table }: ResizeOptions, { width, height }: Placement): Float32Array {
  const across = coverage(columns, width);
  const down = coverage(rows, height);
  const sums = new Float64Array(columns);
  const result = new Float32Array(height * width);
  const area = (rows / height) * (columns / width);
  for (let y = 0; y < height; y += 1) {
    sums.fill(0);
    for (let row = down.first[y]!; row <= down.last[y]!; row += 1) {
      const share = row === down.first[y] ? down.firstShare[y]! : row === down.last[y] ? down.lastShare[y]! : 1;
      addRow(sums, { samples, start: row * columns, table, weight: share / area });
    }
    for (let x = 0; x < width; x += 1) {
      const first = across.first[x]!;
      const last = across.last[x]!;
      let sum = sums[first]! * across.firstShare[x]! + sums[last]! * across.lastShare[x]!;
      for (let column = first + 1; column < last; column += 1) sum += sums[column]!;
      result[y * width + x] = sum;
    }
  }
  return result;
}

/** [height, width] of grey levels, half-pixel centres, edges repeated. */
function enlarge(
  samples: Samples,
  { rows, columns, table }: ResizeOptions,
  { width, height }: Placement,
): Float32Array {
  const result = new Float32Array(height * width);
  for (let y = 0; y < height; y += 1) {
    const sourceY = Math.min(Math.max(((y + 0.5) * rows) / height - 0.5, 0), rows - 1);
    const above = Math.floor(sourceY);
    const below = Math.min(above + 1, rows - 1);
    const dy = sourceY - above;
    for (let x = 0; x < width; x += 1) {
      const sourceX = Math.min(Math.max(((x + 0.5) * columns) / width - 0.5, 0), columns - 1);
      const left = Math.floor(sourceX);
      const right = Math.min(left + 1, columns - 1);
      const dx = sourceX - left;
      const level = (row: number, column: number) => table[samples[row * columns + column]!]!;
      const upper = level(above, left) * (1 - dx) + level(above, right) * dx;
      const lower = level(below, left) * (1 - dx) + level(below, right) * dx;
      result[y * width + x] = upper * (1 - dy) + lower * dy;
    }
  }
  return result;
}

/** [sizePixels, sizePixels] grey levels, rounded to 8 bits. */
export function resizeSlice(samples: Samples, options: ResizeOptions): Uint8Array {
  const { sizePixels } = options;
  const place = placement(options);
  const enlarges = Math.max(options.rows, options.columns) < sizePixels;
  const levels = enlarges ? enlarge(samples, options, place) : shrink(samples, options, place);
  const result = new Uint8Array(sizePixels * sizePixels);
  for (let y = 0; y < place.height; y += 1) {
    const to = (place.top + y) * sizePixels + place.left;
    for (let x = 0; x < place.width; x += 1) result[to + x] = Math.round(levels[y * place.width + x]!);
  }
  return result;
}
