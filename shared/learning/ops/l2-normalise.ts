import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from './differentiable.ts';

/** Below this a row counts as this long, so that a zero row stays zero (PyTorch's `F.normalize`). */
const shortestNorm = 1e-12;

/** Scales each row of x [rows, width] to length 1. */
export function l2Normalise(engine: Engine, x: Tensor2D): Tensor2D {
  const { tf } = engine;
  return differentiable(engine, [x], {
    forward: (rows) => {
      const norms = tf.maximum(tf.sqrt(tf.sum(tf.square(rows), 1, true)), shortestNorm) as Tensor2D;
      const unit = tf.div(rows, norms) as Tensor2D;
      return {
        value: unit,
        keep: { unit, norms },
      };
    },
    backward: (dy, kept) => {
      const along = tf.mul(kept.unit, tf.sum(tf.mul(dy, kept.unit), 1, true));
      return [tf.div(tf.sub(dy, along), kept.norms)];
    },
  });
}
