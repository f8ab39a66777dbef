import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { columnSums } from './column-sums.ts';
import { differentiable } from './differentiable.ts';

/**
 * Layer normalisation of each row (Ba et al. 2016, arXiv 1607.06450): x [rows, width], weight and bias [width]. The
 * variance is the biased one and `epsilon` is added to it: 1e-6 in timm's vision transformers, 1e-5 by PyTorch's default.
 */
export function layerNorm(
  engine: Engine,
  x: Tensor2D,
  { weight, bias, epsilon }: { readonly weight: Tensor1D; readonly bias: Tensor1D; readonly epsilon: number },
): Tensor2D {
  const { tf } = engine;
  return differentiable(engine, [x, weight, bias], {
    forward: (rows, scale, shift) => {
      const centred = tf.sub(rows, tf.mean(rows, 1, true));
      const inverseDeviation = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 1, true), epsilon)) as Tensor2D;
      const normalised = tf.mul(centred, inverseDeviation) as Tensor2D;
      return {
        value: tf.add(tf.mul(normalised, scale), shift) as Tensor2D,
        keep: { normalised, inverseDeviation, scale },
      };
    },
    backward: (dy, kept) => {
      const dUnit = tf.mul(dy, kept.scale);
      // Normalisation fixes each row's mean and length, so what the gradient says along these two is taken out.
      const alongUnit = tf.mul(kept.normalised, tf.mean(tf.mul(dUnit, kept.normalised), 1, true));
      const dx = tf.mul(tf.sub(tf.sub(dUnit, tf.mean(dUnit, 1, true)), alongUnit), kept.inverseDeviation);
      return [dx, columnSums(engine, tf.mul(dy, kept.normalised)), columnSums(engine, dy)];
    },
  });
}
