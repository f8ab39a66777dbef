import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';

/**
 * The order of a patch's numbers: `channels-first` (channel, row, column) is that of a PyTorch convolution's weight,
 * `channels-last` (row, column, channel) is that of masked autoencoders' targets.
 */
export type PatchOrder = 'channels-first' | 'channels-last';

/**
 * Cuts images [images, channels, height, width] into square patches, row by row:
 * [images * patches, channels * patch pixels]. Its gradient with respect to the images is recorded.
 *
 * @throws {TypeError} when the images are not whole patches.
 */
export function patches(
  engine: Engine,
  images: Tensor4D,
  { patchSizePixels, order = 'channels-first' }: { readonly patchSizePixels: number; readonly order?: PatchOrder },
): Tensor2D {
  const { tf } = engine;
  const [count, channels, height, width] = images.shape;
  const { rows, columns } = patchGrid({ height, width }, patchSizePixels);
  return tf.tidy(() => {
    const apart: Tensor = tf.reshape(images, [count, channels, rows, patchSizePixels, columns, patchSizePixels]);
    const axes = order === 'channels-first' ? [0, 2, 4, 1, 3, 5] : [0, 2, 4, 3, 5, 1];
    return tf.reshape(tf.transpose(apart, axes), [count * rows * columns, channels * patchSizePixels ** 2]);
  });
}

function patchGrid(
  { height, width }: { readonly height: number; readonly width: number },
  patchSizePixels: number,
): { rows: number; columns: number } {
  const [rows, columns] = [height / patchSizePixels, width / patchSizePixels];
  if (!Number.isInteger(rows) || !Number.isInteger(columns)) {
    throw new TypeError(
      `Cannot cut images of ${height} x ${width} pixels into patches of ${patchSizePixels} pixels a side`,
    );
  }
  return { rows, columns };
}
