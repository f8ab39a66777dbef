import type { Tensor1D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { l2Norm } from '../ops/l2-norm.ts';

/** Keeps the scale finite for a gradient of zero (PyTorch's `clip_grad_norm_`). */
const smallestNorm = 1e-6;

/** The gradient scaled down to the L2 norm `clipNorm` if it is longer; a copy of it when that is infinite. */
export function clipGradient(engine: Engine, gradient: Tensor1D, clipNorm: number): Tensor1D {
  const { tf } = engine;
  if (clipNorm === Number.POSITIVE_INFINITY) return tf.clone(gradient);
  return tf.tidy(() => {
    const scale = tf.minimum(tf.div(clipNorm, tf.add(l2Norm(engine, gradient), smallestNorm)), 1);
    return tf.mul(gradient, scale);
  });
}
