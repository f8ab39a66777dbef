import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';

/**
 * Applies to a feature map [images, height, width, channels] what works on rows [pixels, channels]; the number of channels
 * may change.
 */
export function onPixels({ tf }: Engine, map: Tensor4D, apply: (pixels: Tensor2D) => Tensor2D): Tensor4D {
  const [images, height, width, channels] = map.shape;
  const rows = apply(tf.reshape(map, [images * height * width, channels]));
  return tf.reshape(rows, [images, height, width, rows.shape[1]]);
}
