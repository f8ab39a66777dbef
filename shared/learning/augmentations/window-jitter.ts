import type { Tensor3D } from '@tensorflow/tfjs-core';
import type { SeededRandom } from '../../random/seeded-random.ts';
import type { Engine } from '../engine/open-engine.ts';
import { drawEach, type ViewShare } from './view-share.ts';

const jitterProbability = 0.8;
/** The window's centre moves by up to this share of its width. */
const largestShift = 0.05;
/** The window becomes up to this many times narrower or wider. */
const largestStretch = 1.2;

/**
 * Shows most slices [n, height, width] through another intensity window: what brightness and contrast are to photographs.
 * Pixels are not clipped yet, because noise comes after the window.
 */
export function jitterWindow(
  { tf }: Engine,
  slices: Tensor3D,
  { random, share }: { readonly random: SeededRandom; readonly share: ViewShare },
): Tensor3D {
  const count = slices.shape[0];
  const windows = drawEach(share, () => {
    const jittered = random.next() < jitterProbability;
    const centre = 0.5 + largestShift * (2 * random.next() - 1);
    const gain = largestStretch ** (2 * random.next() - 1);
    return jittered ? { gain, offset: 0.5 - gain * centre } : { gain: 1, offset: 0 };
  });
  const gains = Float32Array.from(windows, ({ gain }) => gain);
  const offsets = Float32Array.from(windows, ({ offset }) => offset);
  return tf.tidy(() => {
    const stretched = tf.mul(slices, tf.tensor3d(gains, [count, 1, 1]));
    return tf.add(stretched, tf.tensor3d(offsets, [count, 1, 1])) as Tensor3D;
  });
}
