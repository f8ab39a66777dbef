/**
 * The sum of clipped vectors under discrete Gaussian noise: what goes in can leave in no other way. Everything is counted in
 * steps of a grid, 2^-20 of the noise's standard deviation, on which the noise is exact.
 */
import { createClippedSum } from './clipped-sum.ts';
import { addGridGaussian } from './grid-gaussian.ts';
import type { RandomWords } from './random-words.ts';

const GRID_BITS = 20;

export interface PrivateSum {
  /** Adds a vector, shortened to the clip. One with a number that is not finite counts as zero, as any vector in the clip may. */
  add(vector: Float32Array): void;
  /** The sum with fresh noise, divided by `divisor`; afterwards the sum is empty. */
  release(words: RandomWords, options: { readonly divisor: number }): Float32Array;
  /** Empties the sum unseen, as where a step was left: nobody may count twice in the next one. */
  discard(): void;
}

export interface PrivateSumOptions {
  /** How many numbers a vector has. */
  readonly size: number;
  /** Each vector's largest L2 norm. */
  readonly clip: number;
  /** Standard deviation of the noise as a multiple of the sensitivity, which is twice the clip. */
  readonly noiseMultiplier: number;
}

/** @throws {RangeError} when the noise is so large, or the vector so long, that the grid would be coarse beside the clip. */
export function createPrivateSum({ size, clip, noiseMultiplier }: PrivateSumOptions): PrivateSum {
  if (!(size >= 1 && clip > 0 && noiseMultiplier > 0 && Number.isFinite(clip * noiseMultiplier))) {
    throw new RangeError(
      `Cannot sum privately: size, clip and noise multiplier must be above 0, found ${size}, ${clip} and ${noiseMultiplier}`,
    );
  }
  const step = (2 * clip * noiseMultiplier) / 2 ** GRID_BITS;
  const { add, steps } = createClippedSum({ size, clip, step });
  return {
    add,
    release(words, { divisor }) {
      addGridGaussian(steps, { words, bits: GRID_BITS });
      const released = Float32Array.from(steps, (count) => (count * step) / divisor);
      steps.fill(0);
      return released;
    },
    discard: () => void steps.fill(0),
  };
}
