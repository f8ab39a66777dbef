/**
 * The vision transformer as timm computes it (Dosovitskiy et al. 2021, arXiv 2010.11929): patches mapped linearly, a class
 * token in front, learned positions, blocks that normalise before attention and before the MLP, a final normalisation,
 * and the class token as the embedding. Parameters bear timm's names.
 */
import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { columnSums } from '../ops/column-sums.ts';
import { differentiable } from '../ops/differentiable.ts';
import { linear } from '../ops/linear.ts';
import { type ParameterTensors, parameter } from '../parameters.ts';
import { namedLayers } from './named-layers.ts';
import { transformerBlock } from './transformer-block.ts';

/** timm's vision transformers, unlike PyTorch's default. */
const epsilon = 1e-6;

export interface Vit {
  readonly parameters: ParameterTensors;
  readonly depth: number;
  readonly heads: number;
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
  const { tf } = engine;
  const { parameters, depth, heads } = vit;
  const layers = namedLayers(engine, { parameters, epsilon });
  return tf.tidy(() => {
    let x = sequences(engine, embedPatches(engine, patches, parameters), { images, parameters });
    for (let index = 0; index < depth; index += 1) {
      // Nothing reads the last block's other tokens, so only the class tokens pass its second half.
      const tokens = index === depth - 1 ? 'class' : 'all';
      x = transformerBlock(engine, x, { layers, name: `blocks.${index}`, sequences: images, heads, tokens });
    }
    return layers.norm('norm', x);
  });
}

/** The convolution with a stride of its own size, as one product. */
function embedPatches(engine: Engine, patches: Tensor2D, parameters: ParameterTensors): Tensor2D {
  const convolution = parameter(parameters, 'patch_embed.proj.weight');
  const weight: Tensor2D = engine.tf.reshape(convolution, [convolution.shape[0]!, -1]);
  return linear(engine, patches, { weight, bias: parameter<Tensor1D>(parameters, 'patch_embed.proj.bias') });
}

/** Puts the class token before each image's patches and adds the positions: [images * (1 + patches), width]. */
function sequences(
  engine: Engine,
  embedded: Tensor2D,
  { images, parameters }: { images: number; parameters: ParameterTensors },
): Tensor2D {
  const { tf } = engine;
  const [rows, width] = embedded.shape;
  const patches = rows / images;
  const classToken = parameter<Tensor3D>(parameters, 'cls_token');
  const positions = parameter<Tensor3D>(parameters, 'pos_embed');
  if (positions.shape[1] !== 1 + patches) {
    throw new TypeError(
      `Cannot embed images of ${patches} patches: the position table has ${positions.shape[1] - 1} patches, so it belongs to another image size`,
    );
  }
  return differentiable(engine, [embedded, classToken, positions], {
    forward: (tokens, first, table) => {
      const all = tf.concat([tf.tile(first, [images, 1, 1]), tf.reshape(tokens, [images, patches, width])], 1);
      return { value: tf.reshape(tf.add(all, table), [images * (1 + patches), width]) as Tensor2D, keep: {} };
    },
    backward: (dy) => {
      const dTable = tf.reshape(columnSums(engine, tf.reshape(dy, [images, -1])), positions.shape);
      const ofPatches = tf.slice(tf.reshape(dy, [images, 1 + patches, width]), [0, 1, 0]);
      return [tf.reshape(ofPatches, embedded.shape), tf.slice(dTable, [0, 0, 0], [1, 1, width]), dTable];
    },
  });
}
