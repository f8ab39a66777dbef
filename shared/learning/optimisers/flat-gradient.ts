import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import type { ParameterTensors } from '../parameters.ts';

/**
 * The value of `compute` and the gradient of it, times `cotangent` unless it is a scalar, as one flat tensor in the order
 * of `parameters`. Parameters that it does not use have the gradient zero. The caller disposes both.
 */
export function flatGradient<T extends Tensor>(
  { tf }: Engine,
  parameters: ParameterTensors,
  { compute, cotangent }: { readonly compute: () => T; readonly cotangent?: T },
): { value: T; gradient: Tensor1D } {
  return tf.tidy(() => {
    const tensors = [...parameters.values()];
    const { value, grads } = tf.engine().gradients(compute, tensors, cotangent, true);
    const flat = tensors.map((tensor, index) => tf.reshape(grads[index] ?? tf.zerosLike(tensor), [-1]) as Tensor1D);
    return { value, gradient: tf.concat(flat) };
  });
}
