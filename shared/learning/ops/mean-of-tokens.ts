import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from './differentiable.ts';
import { hostLoop } from './host-loop.ts';

/**
 * The mean of each sequence's tokens without its first one (the class token): [sequences * tokens, width] ->
 * [sequences, width].
 *
 * @throws {TypeError} when a sequence has no other token.
 */
export function meanOfTokens(engine: Engine, x: Tensor2D, { sequences }: { readonly sequences: number }): Tensor2D {
  const { tf, habits } = engine;
  const [rows, width] = x.shape;
  const tokens = rows / sequences;
  if (!Number.isInteger(tokens) || tokens < 2) {
    throw new TypeError(`Cannot average tokens: ${rows} rows must be ${sequences} sequences of at least 2 tokens`);
  }
  const sizes = { sequences, tokens, width };
  return differentiable(engine, [x], {
    forward: (all) => ({
      value: habits.hostLoops ? meanByLoop(engine, all, sizes) : meanBySum(engine, all, sizes),
      keep: {},
    }),
    backward: (dy) => {
      const share: Tensor3D = tf.reshape(tf.div(dy, tokens - 1), [sequences, 1, width]);
      const others = tf.tile(share, [1, tokens - 1, 1]);
      return [tf.reshape(tf.concat([tf.zerosLike(share), others], 1), x.shape) as Tensor2D];
    },
  });
}

interface Sizes {
  readonly sequences: number;
  readonly tokens: number;
  readonly width: number;
}

function meanBySum({ tf }: Engine, x: Tensor2D, { sequences, tokens, width }: Sizes): Tensor2D {
  const others = tf.slice(tf.reshape(x, [sequences, tokens, width]), [0, 1, 0]);
  return tf.mean(others, 1) as Tensor2D;
}

/** WebAssembly copies for the slice and sums slowly along the middle axis. */
function meanByLoop(engine: Engine, x: Tensor2D, { sequences, tokens, width }: Sizes): Tensor2D {
  const [means] = hostLoop(engine, [x], {
    shapes: [[sequences, width]],
    loop: ([rows], [result]) => {
      result!.fill(0);
      for (let sequence = 0; sequence < sequences; sequence += 1) {
        const to = sequence * width;
        for (let token = 1; token < tokens; token += 1) {
          const from = (sequence * tokens + token) * width;
          for (let column = 0; column < width; column += 1) result![to + column]! += rows![from + column]!;
        }
        for (let column = 0; column < width; column += 1) result![to + column]! /= tokens - 1;
      }
    },
  });
  return means as Tensor2D;
}
