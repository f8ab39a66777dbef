/**
 * Dropout on the inputs of the alignment: each value of a batch is dropped with the same chance and the rest are scaled up, so
 * that the expected input stays. A hospital has few patients and many genes; without it the encoders learn them by heart.
 * (MEDFORM drops inside its encoders; dropping at the door needs no change to them and none to what travels.)
 */
import type { AlignmentBatch } from '@wardround/shared/learning/stages/alignment.ts';
import type { SeededRandom } from '@wardround/shared/random/seeded-random.ts';

/** Changes the batch's values in place. @param options.share from 0 (nothing is dropped) to below 1 */
export function dropInputs(
  { slices, clinical, expression }: AlignmentBatch,
  { share, random }: { share: number; random: SeededRandom },
): void {
  if (share === 0) return;
  const scale = 1 / (1 - share);
  for (const values of [slices, clinical, expression]) {
    if (values === null) continue;
    for (let index = 0; index < values.length; index++) {
      const value = values[index]!;
      if (value !== 0) values[index] = random.next() < share ? 0 : value * scale;
    }
  }
}
