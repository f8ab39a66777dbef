/**
 * Brightness, contrast and solarisation as torchvision computes them, for methods that come from photographs (MoCo v3,
 * CLEAR). Images are [n, channels, height, width] with pixels 0..1; each image has its own factor.
 */
import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';

/** The weights of red, green and blue in the grey image. */
const luminance = [0.2989, 0.587, 0.114];

/** Multiplies the pixels by the image's factor. */
export function scaleBrightness({ tf }: Engine, images: Tensor4D, factors: readonly number[]): Tensor4D {
  return tf.tidy(() => tf.clipByValue(tf.mul(images, perImage(tf, factors)), 0, 1));
}

/** Moves the pixels away from the mean of the grey image, or towards it, by the image's factor. */
export function scaleContrast({ tf }: Engine, images: Tensor4D, factors: readonly number[]): Tensor4D {
  return tf.tidy(() => {
    const channels = images.shape[1];
    const grey = channels === 3 ? tf.sum(tf.mul(images, tf.tensor(luminance, [3, 1, 1])), 1, true) : images;
    const mean = tf.mean(grey, [1, 2, 3], true);
    const factor = perImage(tf, factors);
    return tf.clipByValue(tf.add(tf.mul(images, factor), tf.mul(mean, tf.sub(1, factor))), 0, 1);
  });
}

/** Inverts the pixels that are at least `threshold`, in the images chosen. */
export function solarise(
  { tf }: Engine,
  images: Tensor4D,
  { chosen, threshold = 0.5 }: { readonly chosen: readonly boolean[]; readonly threshold?: number },
): Tensor4D {
  return tf.tidy(() => {
    const inverted = tf.where(tf.greaterEqual(images, threshold), tf.sub(1, images), images);
    const share = perImage(tf, chosen.map(Number));
    return tf.add(images, tf.mul(share, tf.sub(inverted, images))) as Tensor4D;
  });
}

/** Mirrors images left to right. */
export function mirror({ tf }: Engine, images: Tensor4D): Tensor4D {
  return tf.reverse(images, 3);
}

function perImage(tf: Engine['tf'], factors: readonly number[]): Tensor {
  return tf.tensor([...factors], [factors.length, 1, 1, 1]);
}
