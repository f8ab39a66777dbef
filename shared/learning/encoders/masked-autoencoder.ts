/**
 * The masked autoencoder (He et al. 2022, arXiv 2111.06377): a vision transformer encodes the visible patches only, and a
 * small one predicts all patches from them and a learned token in the place of each removed one. Parameters bear the names
 * of the reference implementation; positions are fixed tables (`sinCosPositions`).
 */
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { addPositions } from '../ops/add-positions.ts';
import { prependToken } from '../ops/prepend-token.ts';
import { selectRows } from '../ops/select-rows.ts';
import { type ParameterTensors, parameter } from '../parameters.ts';
import { namedLayers } from './named-layers.ts';
import type { PatchMask } from './patch-mask.ts';
import { transformerBlock } from './transformer-block.ts';
import { embedPatches, VIT_EPSILON } from './vit.ts';

export interface Transformer {
  readonly parameters: ParameterTensors;
  readonly depth: number;
  readonly heads: number;
  /** Of the layer normalisations; 1e-6 unless given. */
  readonly epsilon?: number;
}

/**
 * Encodes the visible ones of images given as patches [images * patches, channels * patch pixels], their numbers ordered
 * (channel, row, column). The result is [images * (1 + visible), width], the class token first, then the patches in the
 * mask's order.
 */
export function maskedEncoding(
  engine: Engine,
  patches: Tensor2D,
  { mask, parameters, depth, heads, epsilon = VIT_EPSILON }: Transformer & { readonly mask: PatchMask },
): Tensor2D {
  const { tf } = engine;
  const { images, patchesPerImage, visiblePerImage, visible } = mask;
  if (patches.shape[0] !== images * patchesPerImage) {
    throw new TypeError(
      `Cannot encode: the mask is for ${images} images of ${patchesPerImage} patches, found ${patches.shape[0]} patches`,
    );
  }
  const layers = namedLayers(engine, { parameters, epsilon });
  return tf.tidy(() => {
    const rowOf = (patch: number, index: number) => Math.floor(index / visiblePerImage) * patchesPerImage + patch;
    const seen = selectRows(engine, patches, { indices: visible.map(rowOf) });
    const places = positions(engine, parameters, { name: 'pos_embed', patchesPerImage });
    const placed = tf.add(
      embedPatches(engine, seen, parameters),
      selectRows(engine, places, { indices: visible.map((patch) => 1 + patch) }),
    ) as Tensor2D;
    const token = tf.add(
      tf.reshape(parameter(parameters, 'cls_token'), [1, -1]),
      selectRows(engine, places, { indices: [0] }),
    );
    let x = prependToken(engine, placed, { token, sequences: images });
    for (let index = 0; index < depth; index += 1) {
      x = transformerBlock(engine, x, { layers, name: `blocks.${index}`, sequences: images, heads });
    }
    return layers.norm('norm', x);
  });
}

/**
 * Predicts every patch from `maskedEncoding`: [images, patches, values of a patch]. `depth` and `heads` are the decoder's.
 */
export function maskedDecoding(
  engine: Engine,
  latent: Tensor2D,
  { mask, parameters, depth, heads, epsilon = VIT_EPSILON }: Transformer & { readonly mask: PatchMask },
): Tensor3D {
  const { tf } = engine;
  const { images, patchesPerImage } = mask;
  const layers = namedLayers(engine, { parameters, epsilon });
  return tf.tidy(() => {
    const tokens = layers.linear('decoder_embed', latent);
    const removed: Tensor2D = tf.reshape(parameter(parameters, 'mask_token'), [1, tokens.shape[1]]);
    const all = selectRows(engine, tf.concat([tokens, removed]), { indices: restoredOrder(mask) });
    const table = positions(engine, parameters, { name: 'decoder_pos_embed', patchesPerImage });
    let x = addPositions(engine, all, { table, sequences: images });
    for (let index = 0; index < depth; index += 1) {
      x = transformerBlock(engine, x, { layers, name: `decoder_blocks.${index}`, sequences: images, heads });
    }
    // Nothing reads what is predicted from the class token.
    const rows = Int32Array.from({ length: images * patchesPerImage }, (_, patch) => {
      const image = Math.floor(patch / patchesPerImage);
      return patch + image + 1;
    });
    const predicted = layers.linear(
      'decoder_pred',
      layers.norm('decoder_norm', selectRows(engine, x, { indices: rows })),
    );
    return tf.reshape(predicted, [images, patchesPerImage, predicted.shape[1]]) as Tensor3D;
  });
}

/**
 * For each image its class token's row and then each patch's among the encoder's tokens, in the patches' own order; the
 * row after the last one stands for every removed patch.
 */
function restoredOrder({ images, patchesPerImage, visiblePerImage, visible }: PatchMask): Int32Array {
  const [before, after] = [1 + visiblePerImage, 1 + patchesPerImage];
  const rows = new Int32Array(images * after).fill(images * before);
  for (let image = 0; image < images; image += 1) {
    rows[image * after] = image * before;
    for (let token = 0; token < visiblePerImage; token += 1) {
      const patch = visible[image * visiblePerImage + token]!;
      rows[image * after + 1 + patch] = image * before + 1 + token;
    }
  }
  return rows;
}

function positions(
  { tf }: Engine,
  parameters: ParameterTensors,
  { name, patchesPerImage }: { readonly name: string; readonly patchesPerImage: number },
): Tensor2D {
  const table = parameter(parameters, name);
  const width = table.shape.at(-1)!;
  if (table.size !== (1 + patchesPerImage) * width) {
    throw new TypeError(
      `Cannot place ${patchesPerImage} patches: "${name}" has ${table.size / width - 1}, so it belongs to another image size`,
    );
  }
  return tf.reshape(table, [1 + patchesPerImage, width]);
}
