import { halfCosine } from './half-cosine.ts';

const warmUpStart = 1e-5;
const lowest = 1e-8;

/**
 * MEDFORM's learning rate before step `step` of `steps`: a linear rise from 1e-5 of the full rate over `warmUpSteps` (PyTorch's
 * `LinearLR`), then half a cosine down to 1e-8 (`CosineAnnealingLR`). Steps may be epochs.
 */
export function medformLearningRate(
  step: number,
  {
    learningRate,
    warmUpSteps,
    steps,
  }: { readonly learningRate: number; readonly warmUpSteps: number; readonly steps: number },
): number {
  if (step < warmUpSteps) return learningRate * (warmUpStart + (1 - warmUpStart) * (step / warmUpSteps));
  return halfCosine((step - warmUpSteps) / (steps - warmUpSteps), { from: learningRate, to: lowest });
}
