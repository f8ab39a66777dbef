import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Engine } from '../../engine/open-engine.ts';

/** Depth, height, width. */
export type Voxels = readonly [number, number, number];

/**
 * Cuts one-channel volumes [volumes, depth, height, width] into patches [volumes * patches, patch voxels]: patches slice by
 * slice and row by row, and voxels within a patch alike, which is the order of a PyTorch convolution's weight [out, 1,
 * depth, row, column].
 *
 * @throws {TypeError} when patches do not fill the volume.
 */
export function volumePatches({ tf }: Engine, volumes: Tensor4D, patchVoxels: Voxels): Tensor2D {
  const [count, ...size] = volumes.shape;
  const [slices, rows, columns] = size.map((voxels, axis) => voxels / patchVoxels[axis]!) as [number, number, number];
  if (![slices, rows, columns].every(Number.isInteger)) {
    throw new TypeError(
      `Cannot cut volumes of ${size.join(' x ')} voxels into patches of ${patchVoxels.join(' x ')} voxels`,
    );
  }
  const [depth, height, width] = patchVoxels;
  return tf.tidy(() => {
    const apart = tf.reshape(volumes, [count * slices, depth, rows, height, columns, width]);
    const together = tf.transpose(apart, [0, 2, 4, 1, 3, 5]);
    return tf.reshape(together, [count * slices * rows * columns, depth * height * width]);
  });
}
