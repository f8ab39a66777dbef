import type { Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import type { SeededRandom } from '../../random/seeded-random.ts';
import type { Engine } from '../engine/open-engine.ts';
import { drawEach, type ViewShare } from './view-share.ts';

/**
 * Crops cover at least this share of the slice's area. SimCLR's 0.08 would leave crops of a CT slice that show nothing but
 * lung or nothing but table; and a slice is not a photograph of one thing: where a finding lies is part of it.
 */
const smallestArea = 0.6;
/** Widest crop, width over height; the narrowest is its inverse. */
const widestRatio = 4 / 3;
const mirrorProbability = 0.5;

/** A random crop of each slice [n, size, size], resized to the slice's size (bilinear) and mirrored left to right half of the time. */
export function resizedCrops(
  { tf }: Engine,
  slices: Tensor3D,
  { random, share }: { readonly random: SeededRandom; readonly share: ViewShare },
): Tensor3D {
  const [count, height, width] = slices.shape;
  const boxes = drawEach(share, () => drawBox(random));
  const sources = Int32Array.from(boxes.keys());
  return tf.tidy(() => {
    const pixels: Tensor4D = tf.reshape(slices, [count, height, width, 1]);
    const crops = tf.image.cropAndResize(pixels, tf.tensor2d(boxes), tf.tensor1d(sources, 'int32'), [height, width]);
    return tf.reshape(crops, [count, height, width]);
  });
}

/** Top, left, bottom, right as shares of the slice. A box whose left is beyond its right mirrors. */
function drawBox(random: SeededRandom): [number, number, number, number] {
  const area = smallestArea + (1 - smallestArea) * random.next();
  const ratio = widestRatio ** (2 * random.next() - 1);
  const height = Math.min(1, Math.sqrt(area / ratio));
  const width = Math.min(1, Math.sqrt(area * ratio));
  const top = random.next() * (1 - height);
  const left = random.next() * (1 - width);
  return random.next() < mirrorProbability
    ? [top, left + width, top + height, left]
    : [top, left, top + height, left + width];
}
