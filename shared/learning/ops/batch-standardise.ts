import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { columnSums } from './column-sums.ts';
import { differentiable } from './differentiable.ts';

/**
 * Brings each column of x [rows, width] to mean 0 and deviation 1 over the rows of the batch: batch normalisation without
 * an affine part and without running statistics, so that nothing of it travels. The variance is the biased one.
 */
export function batchStandardise(
  engine: Engine,
  x: Tensor2D,
  { epsilon = 1e-5 }: { readonly epsilon?: number } = {},
): Tensor2D {
  const { tf } = engine;
  const [rows] = x.shape;
  const columnMeans = (all: Tensor2D): Tensor1D => tf.div(columnSums(engine, all), rows);
  return differentiable(engine, [x], {
    forward: (all) => {
      const centred: Tensor2D = tf.sub(all, columnMeans(all));
      const deviations: Tensor1D = tf.sqrt(tf.add(columnMeans(tf.square(centred)), epsilon));
      const standard: Tensor2D = tf.div(centred, deviations);
      return { value: standard, keep: { standard, deviations } };
    },
    backward: (dy, { standard, deviations }) => {
      // Standardising fixes each column's mean and length, so what the gradient says along these two is taken out.
      const along = tf.mul(standard, columnMeans(tf.mul(dy, standard)));
      return [tf.div(tf.sub(tf.sub(dy, columnMeans(dy)), along), deviations)];
    },
  });
}
