import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { VIT_TINY } from '../../tensors/layouts/vit.ts';
import type { Engine } from '../engine/open-engine.ts';
import type { ParameterTensors } from '../parameters.ts';
import { patches } from './patches.ts';
import { vitEmbedding } from './vit.ts';

/** timm's normalisation of vision transformers: pixels 0..1 become -1..1. A published encoder expects it. */
const sliceMean = 0.5;
const sliceDeviation = 0.5;

/** Embeds slices [images, size, size] with pixels 0..1 by ViT-Tiny/16: [images, 192]. */
export function sliceEmbedding(engine: Engine, images: Tensor3D, parameters: ParameterTensors): Tensor2D {
  const { tf } = engine;
  const { depth, heads, patchSizePixels } = VIT_TINY;
  return tf.tidy(() => {
    const normalised: Tensor3D = tf.div(tf.sub(images, sliceMean), sliceDeviation);
    return vitEmbedding(engine, patches(engine, normalised, patchSizePixels), {
      images: images.shape[0],
      parameters,
      depth,
      heads,
    });
  });
}
