import type { Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import { patches } from '../encoders/patches.ts';
import type { Engine } from '../engine/open-engine.ts';
import { unrecorded } from '../ops/unrecorded.ts';

/** He et al. 2022 add it to the variance of a patch's pixels. */
const epsilon = 1e-6;

/**
 * What a masked autoencoder is to predict of images [images, channels, height, width]: their patches, pixels ordered (row,
 * column, channel): [images, patches, values of a patch]. No gradient passes to the images.
 *
 * MaCo lets images of twice the encoder's size be predicted: they have as many patches, of twice the size.
 *
 * @param options.normalised whether each patch is brought to mean 0 and variance 1 (unbiased) by its own pixels.
 */
export function reconstructionTarget(
  engine: Engine,
  images: Tensor4D,
  { patchSizePixels, normalised }: { readonly patchSizePixels: number; readonly normalised: boolean },
): Tensor3D {
  const { tf } = engine;
  return unrecorded(engine, () => {
    const cut = patches(engine, images, { patchSizePixels, order: 'channels-last' });
    const values = cut.shape[1];
    const target: Tensor3D = tf.reshape(cut, [images.shape[0], -1, values]);
    if (!normalised) return target;
    const centred = tf.sub(target, tf.mean(target, 2, true));
    const variance = tf.div(tf.sum(tf.square(centred), 2, true), values - 1);
    return tf.div(centred, tf.sqrt(tf.add(variance, epsilon))) as Tensor3D;
  });
}
