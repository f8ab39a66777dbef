import type { Tensor } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from './differentiable.ts';

/** 1 / (1 + exp(-x)), element by element. */
export function sigmoid<T extends Tensor>(engine: Engine, x: T): T {
  const { tf } = engine;
  return differentiable(engine, [x], {
    forward: (input) => {
      const value = tf.sigmoid(input);
      return { value, keep: { value } };
    },
    backward: (dy, { value }) => [tf.mul(dy, tf.mul(value, tf.sub(1, value)))],
  });
}
