import { halfCosine } from './half-cosine.ts';

/**
 * The learning rate at a point of a stage: a linear rise over `warmUpFraction`, then half a cosine down to zero, as MAE,
 * MaCo and MoCo v3 have it. `progress` is the share of the stage's steps already done, 0 to 1.
 *
 * @throws {RangeError} when progress is outside 0 to 1.
 */
export function learningRateAt(
  progress: number,
  { learningRate, warmUpFraction }: { readonly learningRate: number; readonly warmUpFraction: number },
): number {
  if (!(progress >= 0 && progress <= 1)) {
    throw new RangeError(`Cannot set the learning rate: progress must be from 0 to 1, found ${progress}`);
  }
  if (progress < warmUpFraction) return learningRate * (progress / warmUpFraction);
  return halfCosine((progress - warmUpFraction) / (1 - warmUpFraction), { from: learningRate, to: 0 });
}
