import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';

/**
 * Cuts one-channel images [images, height, width] into square patches [images * patches, patch pixels]: patches row by
 * row, and within a patch pixels row by row, which is the order of a PyTorch convolution's weight [out, 1, row, column].
 */
export function patches({ tf }: Engine, images: Tensor3D, patchSizePixels: number): Tensor2D {
  const [count, height, width] = images.shape;
  const [rows, columns] = [height / patchSizePixels, width / patchSizePixels];
  if (!Number.isInteger(rows) || !Number.isInteger(columns)) {
    throw new TypeError(
      `Cannot cut images of ${height} x ${width} pixels into patches of ${patchSizePixels} pixels a side`,
    );
  }
  return tf.tidy(() => {
    const apart = tf.reshape(images, [count, rows, patchSizePixels, columns, patchSizePixels]);
    return tf.reshape(tf.transpose(apart, [0, 1, 3, 2, 4]), [count * rows * columns, patchSizePixels ** 2]);
  });
}
