import type { Tensor3D } from '@tensorflow/tfjs-core';
import type { SeededRandom } from '../../random/seeded-random.ts';
import type { Engine } from '../engine/open-engine.ts';
import { blurSome } from './gaussian-blur.ts';
import { addNoise } from './gaussian-noise.ts';
import { resizedCrops } from './resized-crop.ts';
import type { ViewShare } from './view-share.ts';
import { jitterWindow } from './window-jitter.ts';

/**
 * Two random views of each CT slice for SimCLR: crop and mirror, blur, another intensity window, noise. [n, size, size]
 * with pixels 0..1 -> [2n, size, size] with pixels 0..1; row i and row i + n show slice i. The same random generator gives
 * the same views.
 */
export function sliceViews(engine: Engine, slices: Tensor3D, random: SeededRandom): Tensor3D {
  const { tf } = engine;
  const views = 2 * slices.shape[0];
  return tf.tidy(() =>
    viewsOf(engine, tf.concat([slices, slices]) as Tensor3D, { random, share: { first: 0, count: views, views } }),
  );
}

/**
 * The same views, but only a share of them. `shown` [share.count, size, size] has the slice of each: view i shows slice i
 * modulo the number of slices.
 */
export function viewsOf(
  engine: Engine,
  shown: Tensor3D,
  { random, share }: { readonly random: SeededRandom; readonly share: ViewShare },
): Tensor3D {
  const { tf } = engine;
  return tf.tidy(() => {
    const crops = resizedCrops(engine, shown, { random: random.fork('crop'), share });
    const blurred = blurSome(engine, crops, { random: random.fork('blur'), share });
    const windowed = jitterWindow(engine, blurred, { random: random.fork('window'), share });
    return tf.clipByValue(addNoise(engine, windowed, { random: random.fork('noise'), share }), 0, 1) as Tensor3D;
  });
}
