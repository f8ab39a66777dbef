import type { Tensor } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from './differentiable.ts';

/** The hyperbolic tangent, element by element. */
export function tanh<T extends Tensor>(engine: Engine, x: T): T {
  const { tf } = engine;
  return differentiable(engine, [x], {
    forward: (input) => {
      const value = tf.tanh(input);
      return { value, keep: { value } };
    },
    backward: (dy, { value }) => [tf.mul(dy, tf.sub(1, tf.square(value)))],
  });
}
