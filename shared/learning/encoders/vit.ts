/**
 * The vision transformer as timm computes it (Dosovitskiy et al. 2021, arXiv 2010.11929): patches mapped linearly, a class
 * token in front, learned positions, blocks that normalise before attention and before the MLP, and an embedding of the
 * whole image. Parameters bear timm's names.
 */
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { addPositions } from '../ops/add-positions.ts';
import { linear } from '../ops/linear.ts';
import { meanOfTokens } from '../ops/mean-of-tokens.ts';
import { prependToken } from '../ops/prepend-token.ts';
import { type ParameterTensors, parameter } from '../parameters.ts';
import { type NamedLayers, namedLayers } from './named-layers.ts';
import { transformerBlock } from './transformer-block.ts';

/** timm's vision transformers, unlike PyTorch's default. */
export const VIT_EPSILON = 1e-6;

export interface Vit {
  readonly parameters: ParameterTensors;
  readonly depth: number;
  readonly heads: number;
  /**
   * timm's `global_pool`. `token`: the class token after the final normalisation (`norm`). `avg`: the mean of the patch
   * tokens, normalised afterwards (`fc_norm`); such a model has no `norm`. `token` unless given.
   */
  readonly pooling?: 'token' | 'avg';
  /** Of the layer normalisations; 1e-6 unless given. */
  readonly epsilon?: number;
}

/**
 * Embeds images given as patches [images * patches, channels * patch pixels], their numbers ordered (channel, row,
 * column). The result is [images, width].
 */
export function vitEmbedding(
  engine: Engine,
  patches: Tensor2D,
  { images, ...vit }: Vit & { readonly images: number },
): Tensor2D {
  const { pooling = 'token' } = vit;
  return engine.tf.tidy(() => {
    // Nothing reads the last block's other tokens, so only the class tokens pass its second half.
    const x = throughBlocks(engine, patches, { ...vit, images, tokens: pooling === 'token' ? 'class' : 'all' });
    const layers = layersOf(engine, vit);
    if (pooling === 'token') return layers.norm('norm', x);
    return layers.norm('fc_norm', meanOfTokens(engine, x, { sequences: images }));
  });
}

/**
 * All tokens, class token first: timm's `forward_features`, [images * (1 + patches), width]. They are normalised unless the
 * model normalises after averaging.
 */
export function vitTokens(
  engine: Engine,
  patches: Tensor2D,
  { images, ...vit }: Vit & { readonly images: number },
): Tensor2D {
  return engine.tf.tidy(() => {
    const x = throughBlocks(engine, patches, { ...vit, images, tokens: 'all' });
    return vit.pooling === 'avg' ? x : layersOf(engine, vit).norm('norm', x);
  });
}

/** The convolution with a stride of its own size, as one product: [rows, channels * patch pixels] -> [rows, width]. */
export function embedPatches(engine: Engine, patches: Tensor2D, parameters: ParameterTensors): Tensor2D {
  const convolution = parameter(parameters, 'patch_embed.proj.weight');
  const weight: Tensor2D = engine.tf.reshape(convolution, [convolution.shape[0]!, -1]);
  return linear(engine, patches, { weight, bias: parameter<Tensor1D>(parameters, 'patch_embed.proj.bias') });
}

function throughBlocks(
  engine: Engine,
  patches: Tensor2D,
  { images, tokens, ...vit }: Vit & { readonly images: number; readonly tokens: 'all' | 'class' },
): Tensor2D {
  const { parameters, depth, heads } = vit;
  const layers = layersOf(engine, vit);
  let x = placedTokens(engine, embedPatches(engine, patches, parameters), { images, parameters });
  for (let index = 0; index < depth; index += 1) {
    const kept = index === depth - 1 ? tokens : 'all';
    x = transformerBlock(engine, x, { layers, name: `blocks.${index}`, sequences: images, heads, tokens: kept });
  }
  return x;
}

function layersOf(engine: Engine, { parameters, epsilon = VIT_EPSILON }: Vit): NamedLayers {
  return namedLayers(engine, { parameters, epsilon });
}

/** Puts the class token before each image's patches and adds the positions: [images * (1 + patches), width]. */
function placedTokens(
  engine: Engine,
  embedded: Tensor2D,
  { images, parameters }: { images: number; parameters: ParameterTensors },
): Tensor2D {
  const { tf } = engine;
  const [rows, width] = embedded.shape;
  const table = parameter(parameters, 'pos_embed');
  const places = table.size / width;
  if (places !== 1 + rows / images) {
    throw new TypeError(
      `Cannot embed images of ${rows / images} patches: the position table has ${places - 1} patches, so it belongs to another image size`,
    );
  }
  const tokens = prependToken(engine, embedded, { token: parameter(parameters, 'cls_token'), sequences: images });
  return addPositions(engine, tokens, { table: tf.reshape(table, [places, width]) as Tensor2D, sequences: images });
}
