import type { Tensor1D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';

/**
 * The gradient of FedProx's local objective (Li et al. 2020, arXiv 1812.06127): that of the loss, plus strength * (parameters
 * - server), which is the gradient of strength / 2 times the squared distance to the round's starting point. All are flat;
 * the caller disposes the result.
 */
export function proximalGradient(
  { tf }: Engine,
  gradient: Tensor1D,
  {
    parameters,
    server,
    strength,
  }: { readonly parameters: Tensor1D; readonly server: Tensor1D; readonly strength: number },
): Tensor1D {
  return tf.tidy(() => tf.add(gradient, tf.mul(tf.sub(parameters, server), strength)));
}
