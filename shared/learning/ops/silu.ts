import type { Tensor } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from './differentiable.ts';

/** The sigmoid linear unit, x sigmoid(x) (Elfwing et al. 2018, arXiv 1702.03118), element by element. */
export function silu<T extends Tensor>(engine: Engine, x: T): T {
  const { tf } = engine;
  return differentiable(engine, [x], {
    forward: (input) => ({ value: tf.mul(input, tf.sigmoid(input)) as T, keep: { input } }),
    backward: (dy, { input }) => {
      const gate = tf.sigmoid(input);
      // s + x s (1 - s)
      const slope = tf.mul(gate, tf.add(tf.mul(input, tf.sub(1, gate)), 1));
      return [tf.mul(dy, slope)];
    },
  });
}
