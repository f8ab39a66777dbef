import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { columnSums } from './column-sums.ts';
import { differentiable } from './differentiable.ts';

/** Adds bias [channels] at every place of x [..., channels]. */
export function addToChannels<T extends Tensor>(engine: Engine, x: T, bias: Tensor1D): T {
  const { tf } = engine;
  return differentiable(engine, [x, bias], {
    forward: (all, offsets) => ({ value: tf.add(all, offsets) as T, keep: {} }),
    // WebAssembly copies what is cloned, not what is reshaped.
    backward: (dy) => [tf.reshape(dy, dy.shape), columnSums(engine, tf.reshape(dy, [-1, bias.shape[0]]))],
  });
}
