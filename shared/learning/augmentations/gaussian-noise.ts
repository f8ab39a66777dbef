import type { Tensor3D } from '@tensorflow/tfjs-core';
import type { SeededRandom } from '../../random/seeded-random.ts';
import type { Engine } from '../engine/open-engine.ts';

/** The strongest noise's standard deviation as a share of the window: 20 HU of a 400 HU window. */
const largestDeviation = 0.05;

/** Adds white noise of a random strength to each slice [n, height, width], as doses differ. */
export function addNoise({ tf }: Engine, slices: Tensor3D, random: SeededRandom): Tensor3D {
  const deviations = Array.from({ length: slices.shape[0] }, () => largestDeviation * random.next());
  return tf.tidy(() => {
    const noise = tf.randomNormal(slices.shape, 0, 1, 'float32', random.int(2 ** 32));
    return tf.add(slices, tf.mul(noise, tf.tensor3d(deviations, [slices.shape[0], 1, 1]))) as Tensor3D;
  });
}
