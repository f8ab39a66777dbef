/**
 * The sum of vectors, each shortened to a clip, in whole steps of a grid.
 *
 * Each vector is shortened to the clip less what rounding to the grid can add, and then rounded, so that it lies within the
 * clip on the grid exactly, and adding whole numbers loses nothing: one vector put in another's place moves the sum by at
 * most twice the clip, with no allowance for rounding.
 */

/** For the rounding of the norm itself, which is below one part in 10^8 for a vector of 10^8 numbers. */
const MARGIN = 1e-6;

export interface ClippedSum {
  /** Adds a vector, shortened to the clip. One with a number that is not finite counts as zero, as any vector in the clip may. */
  add(vector: Float32Array): void;
  /** The sum in steps. The caller may change it. */
  readonly steps: Float64Array;
}

export interface ClippedSumOptions {
  /** How many numbers a vector has. */
  readonly size: number;
  /** Each vector's largest L2 norm. */
  readonly clip: number;
  /** The grid's step. */
  readonly step: number;
}

/** @throws {RangeError} when the grid is so coarse that rounding could take half of the clip. */
export function createClippedSum({ size, clip, step }: ClippedSumOptions): ClippedSum {
  const shortened = (clip - (Math.sqrt(size) * step) / 2) * (1 - MARGIN);
  if (!(shortened > clip / 2)) {
    throw new RangeError(
      `Cannot clip: ${size} numbers need a step below ${clip / Math.sqrt(size)} for the clip ${clip}, found ${step}`,
    );
  }
  const steps = new Float64Array(size);
  return {
    steps,
    add(vector) {
      if (vector.length !== size) {
        throw new TypeError(`Cannot clip: needed a vector of ${size} numbers, found ${vector.length}`);
      }
      const norm = l2Norm(vector);
      if (!Number.isFinite(norm)) return;
      const scale = (norm > shortened ? shortened / norm : 1) / step;
      for (let index = 0; index < size; index += 1) steps[index]! += Math.round(vector[index]! * scale);
    },
  };
}

function l2Norm(vector: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < vector.length; index += 1) sum += vector[index]! * vector[index]!;
  return Math.sqrt(sum);
}
