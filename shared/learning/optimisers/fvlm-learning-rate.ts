import { halfCosine } from './half-cosine.ts';

const lowest = 1e-6;

/**
 * fVLM's learning rate. In the first epoch (0) it rises linearly from 1e-6 over `warmUpSteps` and then stays; later epochs
 * have one rate each, on half a cosine over all epochs down to 1e-6 that does not wait for the warm-up.
 *
 * @param at the epoch, and the step within it; both from 0.
 */
export function fvlmLearningRate(
  at: { readonly epoch: number; readonly step: number },
  {
    learningRate,
    warmUpSteps,
    epochs,
  }: { readonly learningRate: number; readonly warmUpSteps: number; readonly epochs: number },
): number {
  if (at.epoch > 0) return halfCosine(at.epoch / epochs, { from: learningRate, to: lowest });
  if (at.step >= warmUpSteps) return learningRate;
  return lowest + (learningRate - lowest) * (at.step / warmUpSteps);
}
