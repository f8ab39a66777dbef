import type { Tensor3D } from '@tensorflow/tfjs-core';
import type { SeededRandom } from '../../random/seeded-random.ts';
import type { Engine } from '../engine/open-engine.ts';
import { blurSome } from './gaussian-blur.ts';
import { addNoise } from './gaussian-noise.ts';
import { resizedCrops } from './resized-crop.ts';
import { jitterWindow } from './window-jitter.ts';

/**
 * Two random views of each CT slice for SimCLR: crop and mirror, blur, another intensity window, noise. [n, size, size]
 * with pixels 0..1 -> [2n, size, size] with pixels 0..1; row i and row i + n show slice i. The same random generator gives
 * the same views.
 */
export function sliceViews(engine: Engine, slices: Tensor3D, random: SeededRandom): Tensor3D {
  const { tf } = engine;
  return tf.tidy(() => {
    const crops = resizedCrops(engine, slices, { views: 2, random: random.fork('crop') });
    const blurred = blurSome(engine, crops, random.fork('blur'));
    const windowed = jitterWindow(engine, blurred, random.fork('window'));
    return tf.clipByValue(addNoise(engine, windowed, random.fork('noise')), 0, 1) as Tensor3D;
  });
}
