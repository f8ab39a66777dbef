import type { Tensor3D } from '@tensorflow/tfjs-core';
import type { SeededRandom } from '../../random/seeded-random.ts';
import type { Engine } from '../engine/open-engine.ts';
import { drawEach, type ViewShare } from './view-share.ts';

/** The strongest noise's standard deviation as a share of the window: 20 HU of a 400 HU window. */
const largestDeviation = 0.05;

/** Adds white noise of a random strength to each slice [n, height, width], as doses differ. */
export function addNoise(
  { tf }: Engine,
  slices: Tensor3D,
  { random, share }: { readonly random: SeededRandom; readonly share: ViewShare },
): Tensor3D {
  const [, height, width] = slices.shape;
  const drawn = drawEach(share, () => ({
    deviation: largestDeviation * random.next(),
    seed: random.int(2 ** 32),
  }));
  return tf.tidy(() => {
    const noise = drawn.map(({ deviation, seed }) =>
      tf.randomNormal([1, height, width], 0, deviation, 'float32', seed),
    );
    return tf.add(slices, tf.concat(noise)) as Tensor3D;
  });
}
