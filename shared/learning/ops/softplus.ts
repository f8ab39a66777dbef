import type { Tensor } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from './differentiable.ts';

/**
 * log(1 + exp(x)), element by element. Small values keep their relative precision, which the engines' own kernels lose;
 * above 20 it is x itself, as in PyTorch, because nothing of the rest fits a float32.
 */
export function softplus<T extends Tensor>(engine: Engine, x: T): T {
  const { tf } = engine;
  return differentiable(engine, [x], {
    forward: (input) => {
      const small = tf.exp(tf.neg(tf.abs(input)));
      const sum = tf.add(small, 1);
      // What the sum rounds off is given back to its logarithm; WebAssembly's own log1p does not.
      const rounded = tf.div(tf.sub(small, tf.sub(sum, 1)), sum);
      return { value: tf.add(tf.relu(input), tf.add(tf.log(sum), rounded)) as T, keep: { input } };
    },
    backward: (dy, { input }) => [tf.mul(dy, tf.sigmoid(input))],
  });
}
