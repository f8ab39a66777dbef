/**
 * Brings each coordinate of the slice embeddings to mean 0 and deviation 1 over this site's training slices.
 *
 * A young encoder says nearly the same of every slice, and each scanner shifts what it says: what is common to all slices of
 * a site goes, what tells its patients apart stays. The statistics stay at the site, like those of its tables.
 */
import type { Cohort } from '../data/cohort.ts';

/** Below this deviation a coordinate carries nothing and is only centred. */
const SMALLEST_DEVIATION = 1e-6;

/**
 * @param embeddings [slices of the cohort, width]; changed in place.
 * @returns the same array. Without a training patient with CT it is left as it is.
 */
export function standardiseSlices(
  { patients }: Pick<Cohort, 'patients'>,
  { embeddings, width }: { embeddings: Float32Array; width: number },
): Float32Array {
  const sums = new Float64Array(width);
  const squares = new Float64Array(width);
  let slices = 0;
  for (const { slices: range, heldOut } of patients) {
    if (range === null || heldOut) continue;
    slices += range.count;
    const end = (range.first + range.count) * width;
    for (let index = range.first * width, column = 0; index < end; index++) {
      const value = embeddings[index]!;
      sums[column]! += value;
      squares[column]! += value * value;
      column = column + 1 === width ? 0 : column + 1;
    }
  }
  if (slices === 0) return embeddings;
  const means = sums.map((sum) => sum / slices);
  const factors = squares.map((square, column) => {
    const deviation = Math.sqrt(Math.max(0, square / slices - means[column]! ** 2));
    return deviation < SMALLEST_DEVIATION ? 1 : 1 / deviation;
  });
  for (let index = 0, column = 0; index < embeddings.length; index++) {
    embeddings[index] = (embeddings[index]! - means[column]!) * factors[column]!;
    column = column + 1 === width ? 0 : column + 1;
  }
  return embeddings;
}
