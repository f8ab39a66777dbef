import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import { macoImageEmbedding } from '../../learning/encoders/maco-image.ts';
import { maskedDecoding, maskedEncoding } from '../../learning/encoders/masked-autoencoder.ts';
import { patchMask, visibility } from '../../learning/encoders/patch-mask.ts';
import { patches } from '../../learning/encoders/patches.ts';
import { type Vit, vitEmbedding, vitTokens } from '../../learning/encoders/vit.ts';
import type { Engine } from '../../learning/engine/open-engine.ts';
import { maskedReconstruction } from '../../learning/objectives/masked-reconstruction.ts';
import { reconstructionTarget } from '../../learning/objectives/reconstruction-target.ts';
import { linear } from '../../learning/ops/linear.ts';
import { type ParameterTensors, parameter } from '../../learning/parameters.ts';
import { adaptInputChannels } from '../../tensors/checkpoint/adapt-input-channels.ts';
import { inflatePositions, resamplePositions } from '../../tensors/positions/resample-positions.ts';
import { sinCosPositions } from '../../tensors/positions/sin-cos-positions.ts';
import type { GoldenContext, GoldenPrograms } from './program.ts';

function mapped(parameters: ParameterTensors, name: string): { weight: Tensor2D; bias: Tensor1D } {
  return { weight: parameter(parameters, `${name}.weight`), bias: parameter(parameters, `${name}.bias`) };
}

export const transformers: GoldenPrograms = {
  enc_vit: ({ engine, config, parameters, input }) => {
    const image = input<Tensor4D>('image');
    const images = image.shape[0];
    const cut = patches(engine, image, { patchSizePixels: config['patch'] as number });
    const depth = config['depth'] as number;
    const vit = {
      parameters: config['qkv_bias'] === false ? withoutOffsets(engine, parameters, depth) : parameters,
      images,
      epsilon: config['norm_eps'] as number,
      depth,
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
  enc_mae: (context) => {
    const { outputs } = maskedAutoencoder(context);
    return outputs;
  },
  enc_maco_image: (context) => {
    const { outputs, latent, images } = maskedAutoencoder(context);
    const { engine, parameters } = context;
    return { ...outputs, image_embedding: macoImageEmbedding(engine, latent, { parameters, images }) };
  },
  pre_sincos_positions: ({ config }) => {
    const { dim: width, n, h, w } = config as { dim: number; n: number; h: number; w: number };
    const square = { width, rows: n, columns: n };
    const table = (data: Float32Array) => ({ shape: [data.length / width, width], data });
    return {
      mae: table(sinCosPositions('mae', square)),
      moco: table(sinCosPositions('moco', { width, rows: h, columns: w })),
      maco: table(sinCosPositions('maco', square)),
    };
  },
  pre_pos_embed_resample: ({ config, numbers }) => {
    const { dim: width, ...grids } = config as Record<'grid_in' | 'grid_timm' | 'grid_fvlm', number[]> & {
      dim: number;
    };
    const grid = ([rows, columns]: readonly number[]) => ({ rows: rows!, columns: columns! });
    const [depth, ...inPlane] = grids.grid_fvlm;
    const table = numbers('input.pos_embed') as Float32Array;
    const from = grid(grids.grid_in);
    const shaped = (data: Float32Array) => ({ shape: [1, data.length / width, width], data });
    return {
      timm: shaped(resamplePositions(table, { width, from, to: grid(grids.grid_timm) })),
      fvlm_inflate: shaped(inflatePositions(table, { width, from, to: { ...grid(inPlane), depth: depth! } })),
    };
  },
  pre_adapt_input_conv: ({ numbers, shape }) => {
    const weights = numbers('input.weight') as Float32Array;
    const from = shape('input.weight');
    const adapted = (channels: number) => ({
      shape: from.with(1, channels),
      data: adaptInputChannels(weights, { shape: from, channels }),
    });
    return { chans1: adapted(1), chans2: adapted(2) };
  },
  pre_patchify: ({ engine, config, input }) => {
    const image = input<Tensor4D>('image');
    const patchSizePixels = config['patch'] as number;
    return { patches: reconstructionTarget(engine, image, { patchSizePixels, normalised: false }) };
  },
};

/** This project's blocks add a bias to queries, keys and values; where the model has none, it is zero. */
function withoutOffsets({ tf }: Engine, parameters: ParameterTensors, depth: number): ParameterTensors {
  const names = Array.from({ length: depth }, (_, block) => `blocks.${block}.attn.qkv`);
  const zeros = names.map((name) => tf.zeros([parameter(parameters, `${name}.weight`).shape[0]!]));
  return new Map([...parameters, ...names.map((name, block) => [`${name}.bias`, zeros[block]!] as const)]);
}

function maskedAutoencoder({ engine, config, parameters, input, hasInput, numbers }: GoldenContext) {
  const { tf } = engine;
  const image = input<Tensor4D>('image');
  const images = image.shape[0];
  const patchSizePixels = config['patch'] as number;
  const mask = patchMask(numbers('input.noise'), { images, visiblePerImage: config['keep'] as number });
  const latent = maskedEncoding(engine, patches(engine, image, { patchSizePixels }), {
    mask,
    parameters,
    epsilon: config['norm_eps'] as number,
    depth: config['depth'] as number,
    heads: config['heads'] as number,
  });
  const predicted = maskedDecoding(engine, latent, {
    mask,
    parameters,
    epsilon: config['norm_eps'] as number,
    depth: config['dec_depth'] as number,
    heads: config['dec_heads'] as number,
  });
  const target = reconstructionTarget(engine, hasInput('image_hr') ? input<Tensor4D>('image_hr') : image, {
    patchSizePixels: patchSizePixels * (config['upscale'] as number),
    normalised: config['norm_pix'] as boolean,
  });
  const visible: Tensor2D = tf.tensor2d(visibility(mask), [images, mask.patchesPerImage]);
  const outputs = {
    latent: tf.reshape(latent, [images, 1 + mask.visiblePerImage, -1]),
    pred: predicted,
    target,
    loss_rec: maskedReconstruction(engine, { predicted, target }, { visible }),
  };
  return { outputs, latent, images };
}
