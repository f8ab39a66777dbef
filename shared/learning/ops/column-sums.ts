import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';

/** The sum of each column, [rows, columns] -> [columns]: the gradient of a row that was added to every row. */
export function columnSums({ tf, habits }: Engine, x: Tensor2D): Tensor1D {
  // WebAssembly sums along the slow axis ten times slower than it multiplies by a row of ones.
  if (habits.transposedProducts) return tf.sum(x, 0);
  return tf.tidy(() => tf.reshape(tf.matMul(tf.ones([1, x.shape[0]]), x), [x.shape[1]]));
}
