import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import { patches } from '../../learning/encoders/patches.ts';
import { type Vit, vitEmbedding, vitTokens } from '../../learning/encoders/vit.ts';
import { linear } from '../../learning/ops/linear.ts';
import { type ParameterTensors, parameter } from '../../learning/parameters.ts';
import type { GoldenPrograms } from './program.ts';

function mapped(parameters: ParameterTensors, name: string): { weight: Tensor2D; bias: Tensor1D } {
  return { weight: parameter(parameters, `${name}.weight`), bias: parameter(parameters, `${name}.bias`) };
}

export const transformers: GoldenPrograms = {
  enc_vit: ({ engine, config, parameters, input }) => {
    const image = input<Tensor4D>('image');
    const images = image.shape[0];
    const cut = patches(engine, image, { patchSizePixels: config['patch'] as number });
    const vit = {
      parameters,
      images,
      depth: config['depth'] as number,
      heads: config['heads'] as number,
      pooling: config['global_pool'] as NonNullable<Vit['pooling']>,
    };
    const tokens: Tensor = engine.tf.reshape(vitTokens(engine, cut, vit), [images, -1, config['embed_dim'] as number]);
    const embedding = vitEmbedding(engine, cut, vit);
    const logits = parameters.has('head.weight')
      ? { logits: linear(engine, embedding, mapped(parameters, 'head')) }
      : {};
    return { tokens, embedding, ...logits };
  },
};
