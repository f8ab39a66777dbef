import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { columnSums } from './column-sums.ts';
import { differentiable } from './differentiable.ts';

/**
 * Puts the same token, `width` numbers of any shape, before each sequence of x [sequences * tokens, width]:
 * [sequences * (1 + tokens), width].
 */
export function prependToken(
  engine: Engine,
  x: Tensor2D,
  { token, sequences }: { readonly token: Tensor; readonly sequences: number },
): Tensor2D {
  const { tf } = engine;
  const [rows, width] = x.shape;
  const tokens = rows / sequences;
  if (!Number.isInteger(tokens) || token.size !== width) {
    throw new TypeError(
      `Cannot put a token of ${token.size} numbers before ${sequences} sequences: [${rows}, ${width}] must be whole sequences of that width`,
    );
  }
  return differentiable(engine, [x, token], {
    forward: (rest, first) => {
      const firsts: Tensor3D = tf.tile(tf.reshape(first, [1, 1, width]), [sequences, 1, 1]);
      const all = tf.concat([firsts, tf.reshape(rest, [sequences, tokens, width])], 1);
      return { value: tf.reshape(all, [sequences * (1 + tokens), width]) as Tensor2D, keep: {} };
    },
    backward: (dy) => {
      const apart: Tensor2D = tf.reshape(dy, [sequences, (1 + tokens) * width]);
      const ofRest = tf.slice(apart, [0, width], [sequences, tokens * width]);
      const ofFirst = tf.slice(apart, [0, 0], [sequences, width]);
      return [tf.reshape(ofRest, x.shape) as Tensor2D, tf.reshape(columnSums(engine, ofFirst), token.shape)];
    },
  });
}
