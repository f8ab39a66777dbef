import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from './differentiable.ts';

/** PyTorch's default for batch normalisation. */
const epsilon = 1e-5;

/**
 * Brings each column of x [rows, width] to mean 0 and deviation 1 over the rows of the batch: batch normalisation without
 * an affine part and without running statistics, so that nothing of it travels.
 */
export function batchStandardise(engine: Engine, x: Tensor2D): Tensor2D {
  const { tf } = engine;
  return differentiable(engine, [x], {
    forward: (rows) => {
      const centred = tf.sub(rows, tf.mean(rows, 0, true));
      const deviations = tf.sqrt(tf.add(tf.mean(tf.square(centred), 0, true), epsilon)) as Tensor2D;
      const standard = tf.div(centred, deviations) as Tensor2D;
      return { value: standard, keep: { standard, deviations } };
    },
    backward: (dy, { standard, deviations }) => {
      const along = tf.mul(standard, tf.mean(tf.mul(dy, standard), 0, true));
      return [tf.div(tf.sub(tf.sub(dy, tf.mean(dy, 0, true)), along), deviations)];
    },
  });
}
