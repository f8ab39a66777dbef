import type { Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import { PIXEL_NORMALISATION, type VitArchitecture, vitSizes } from '../../tensors/layouts/vit.ts';
import type { Engine } from '../engine/open-engine.ts';
import type { ParameterTensors } from '../parameters.ts';
import { patches } from './patches.ts';
import { vitEmbedding } from './vit.ts';

/** Embeds slices [images, size, size] with pixels 0..1: [images, width]. */
export function sliceEmbedding(
  engine: Engine,
  images: Tensor3D,
  { architecture, parameters }: { readonly architecture: VitArchitecture; readonly parameters: ParameterTensors },
): Tensor2D {
  const { tf } = engine;
  const { depth, heads, patchSizePixels } = vitSizes(architecture);
  return tf.tidy(() => {
    const normalised = tf.div(tf.sub(images, PIXEL_NORMALISATION.mean), PIXEL_NORMALISATION.deviation);
    const oneChannel: Tensor4D = tf.expandDims(normalised, 1);
    return vitEmbedding(engine, patches(engine, oneChannel, { patchSizePixels }), {
      images: images.shape[0],
      parameters,
      depth,
      heads,
    });
  });
}
