/**
 * The batches of one pass over a site's training slices.
 *
 * Contrastive pretraining takes every other slice of the batch as a negative, and two slices of one patient are false
 * negatives, so slices of the same patient are kept apart as far as the numbers allow.
 */
import type { SeededRandom } from '@wardround/shared/random/seeded-random.ts';

/** Where a patient's slices lie in the cohort's image store. */
export interface SliceRange {
  readonly first: number;
  readonly count: number;
}

/**
 * Deals every patient's slices round the batches like cards: batch sizes differ by at most one, and a patient has at
 * most ceil(slices / batches) slices in any batch, which no other arrangement can beat.
 *
 * Batches have about `batch` slices and never fewer than two, because one slice alone has no negatives.
 *
 * @returns slice indices, one array a batch; none when there are fewer than two slices.
 */
export function sliceBatches(
  patients: readonly SliceRange[],
  { batch, random }: { batch: number; random: SeededRandom },
): Int32Array[] {
  const slices = patients.reduce((total, { count }) => total + count, 0);
  const batches = Math.min(Math.ceil(slices / batch), Math.floor(slices / 2));
  const dealt: number[][] = Array.from({ length: batches }, () => []);
  let next = 0;
  for (const { first, count } of random.fork('patients').shuffle([...patients])) {
    const order = random.fork(`slices/${first}`).shuffle(Array.from({ length: count }, (_, index) => first + index));
    for (const slice of order) dealt[next++ % batches]?.push(slice);
  }
  return random
    .fork('batches')
    .shuffle(dealt)
    .map((indices) => Int32Array.from(indices));
}
