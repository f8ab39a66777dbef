import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';

/** The first token of each sequence, [sequences * tokens, width] -> [sequences, width]. */
export function firstTokens({ tf }: Engine, x: Tensor2D, sequences: number): Tensor2D {
  return tf.slice(tf.reshape(x, [sequences, -1]), [0, 0], [sequences, x.shape[1]]) as Tensor2D;
}
