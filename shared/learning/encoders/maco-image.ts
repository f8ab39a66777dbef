import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { meanOfTokens } from '../ops/mean-of-tokens.ts';
import type { ParameterTensors } from '../parameters.ts';
import { namedLayers } from './named-layers.ts';

/**
 * MaCo's embedding of an image from its masked encoding [images * (1 + visible), width]: the mean over the visible patches,
 * without the class token, of their linear maps (`img_mlp`). The result is [images, shared width].
 */
export function macoImageEmbedding(
  engine: Engine,
  latent: Tensor2D,
  { parameters, images }: { readonly parameters: ParameterTensors; readonly images: number },
): Tensor2D {
  // The mean of linear maps is the linear map of the mean, at a fraction of the work.
  return engine.tf.tidy(() =>
    namedLayers(engine, { parameters }).linear('img_mlp', meanOfTokens(engine, latent, { sequences: images })),
  );
}
