import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { columnSums } from './column-sums.ts';
import { differentiable } from './differentiable.ts';

/**
 * Root-mean-square normalisation of each row (Zhang and Sennrich 2019, arXiv 1910.07467): x [rows, width] over the root of
 * its mean square plus `epsilon`, times weight [width]. No mean is taken out and nothing is added.
 */
export function rmsNorm(
  engine: Engine,
  x: Tensor2D,
  { weight, epsilon }: { readonly weight: Tensor1D; readonly epsilon: number },
): Tensor2D {
  const { tf } = engine;
  return differentiable(engine, [x, weight], {
    forward: (rows, scale) => {
      const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(rows), 1, true), epsilon)) as Tensor2D;
      const normalised = tf.mul(rows, inverse) as Tensor2D;
      return { value: tf.mul(normalised, scale) as Tensor2D, keep: { normalised, inverse, scale } };
    },
    backward: (dy, { normalised, inverse, scale }) => {
      const dUnit = tf.mul(dy, scale);
      // Normalisation fixes each row's length, so what the gradient says along the row is taken out.
      const alongRow = tf.mul(normalised, tf.mean(tf.mul(dUnit, normalised), 1, true));
      return [tf.mul(tf.sub(dUnit, alongRow), inverse), columnSums(engine, tf.mul(dy, normalised))];
    },
  });
}
