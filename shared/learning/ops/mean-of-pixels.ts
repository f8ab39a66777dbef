import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from './differentiable.ts';

/** The mean over each image's pixels, [images, height, width, channels] -> [images, channels]. */
export function meanOfPixels(engine: Engine, map: Tensor4D): Tensor2D {
  const { tf } = engine;
  const [images, height, width, channels] = map.shape;
  return differentiable(engine, [map], {
    forward: (all) => ({ value: tf.mean(all, [1, 2]) as Tensor2D, keep: {} }),
    backward: (dy) => [
      tf.tile(tf.reshape(tf.div(dy, height * width), [images, 1, 1, channels]), [1, height, width, 1]) as Tensor4D,
    ],
  });
}
