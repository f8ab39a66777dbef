/**
 * The vision transformer with a convolutional stem that MoCo v3 and CLEAR train (Chen et al. 2021, arXiv 2104.02057; the
 * stem from Xiao et al. 2021, arXiv 2106.14881). Parameters bear MoCo v3's names.
 *
 * The published networks normalise the stem's channels by batch, and a checkpoint of theirs is evaluated with
 * `byRunningStatistics`. Ours, which travels, is trained and evaluated with `byPixel`. Batch statistics would make each
 * image's embedding depend on the others of its micro-batch, so that a larger micro-batch or one patient's gradient gave
 * other numbers; and an encoder that leaves the hospital would need running statistics, which tell of its images.
 */
import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { addPositions } from '../ops/add-positions.ts';
import { convolution } from '../ops/convolution.ts';
import { prependToken } from '../ops/prepend-token.ts';
import type { ParameterTensors } from '../parameters.ts';
import type { ChannelNormalisation } from './channel-normalisation.ts';
import { type NamedLayers, namedLayers } from './named-layers.ts';
import { onPixels } from './on-pixels.ts';
import { transformerBlock } from './transformer-block.ts';

export interface ConvStemVit {
  readonly parameters: ParameterTensors;
  /** [1 + tokens, width]: MoCo v3's fixed sine and cosine positions, with zeros for the class token. */
  readonly positions: Tensor2D;
  readonly depth: number;
  readonly heads: number;
  /** Of the stem's layers. */
  readonly normalise: ChannelNormalisation;
  /** Of the blocks' layer normalisations. */
  readonly epsilon?: number;
}

/**
 * Embeds images [images, height, width, channels] as their class tokens, [images, width].
 *
 * @throws {TypeError} when the positions are for another number of tokens than the stem makes of an image.
 */
export function convStemVitEmbedding(
  engine: Engine,
  images: Tensor4D,
  { parameters, positions, depth, heads, normalise, epsilon = 1e-6 }: ConvStemVit,
): Tensor2D {
  const layers = namedLayers(engine, { parameters, epsilon });
  const [sequences] = images.shape;
  return engine.tf.tidy(() => {
    const patches = stem(engine, images, { parameters, layers, normalise });
    const tokens = prependToken(engine, patches, { token: layers.tensor('cls_token'), sequences });
    if (positions.shape[0] !== tokens.shape[0] / sequences) {
      throw new TypeError(
        `Cannot embed the images: the stem makes ${tokens.shape[0] / sequences - 1} tokens of each, but there are positions for ${positions.shape[0] - 1}, which belong to another image size`,
      );
    }
    let x = addPositions(engine, tokens, { table: positions, sequences });
    for (let index = 0; index < depth; index += 1) {
      // Nothing reads the last block's other tokens, so only the class tokens pass its second half.
      const kept = index === depth - 1 ? 'class' : 'all';
      x = transformerBlock(engine, x, { layers, name: `blocks.${index}`, sequences, heads, tokens: kept });
    }
    return layers.norm('norm', x);
  });
}

/** Convolutions that halve the image, each normalised and rectified, then one that keeps it: [images * tokens, width]. */
function stem(
  engine: Engine,
  images: Tensor4D,
  {
    parameters,
    layers,
    normalise,
  }: { parameters: ParameterTensors; layers: NamedLayers; normalise: ChannelNormalisation },
): Tensor2D {
  const { tf } = engine;
  const name = (index: number) => `patch_embed.proj.${index}`;
  const weight = (index: number) => layers.tensor<Tensor4D>(`${name(index)}.weight`);
  let x = images;
  let index = 0;
  for (; parameters.has(`${name(index + 1)}.weight`); index += 3) {
    const halved = convolution(engine, x, { weight: weight(index), stride: 2, padding: 1 });
    const norm = name(index + 1);
    x = onPixels(engine, halved, (pixels) => tf.relu(normalise(norm, pixels)));
  }
  const bias = layers.tensor<Tensor1D>(`${name(index)}.bias`);
  const mapped = convolution(engine, x, { weight: weight(index), bias });
  return tf.reshape(mapped, [-1, mapped.shape[3]]);
}
