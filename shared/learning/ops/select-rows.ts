import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from './differentiable.ts';
import { product } from './product.ts';

/** The rows of x [rows, width] at the given indices, in their order; an index may repeat. */
export function selectRows(engine: Engine, x: Tensor2D, indices: readonly number[]): Tensor2D {
  const { tf } = engine;
  return differentiable(engine, [x], {
    forward: (rows) => {
      const positions: Tensor1D = tf.tensor1d([...indices], 'int32');
      return { value: tf.gather(rows, positions), keep: { positions } };
    },
    // Each row's gradient is the sum over its uses; the indicator matrix is small beside the encoders' weights.
    backward: (dy, { positions }) => {
      const uses = tf.cast(tf.oneHot(positions, x.shape[0]), 'float32') as Tensor2D;
      return [product(engine, [uses, dy], { transposeA: true })];
    },
  });
}
