/**
 * fVLM's anatomy embeddings: each organ's learned query attends to the organ's own tokens at several depths of the image
 * encoder through one attention that all organs share (PyTorch's `nn.MultiheadAttention`), followed by a Linear of the
 * organ's own.
 */
import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../../engine/open-engine.ts';
import { l2Normalise } from '../../ops/l2-normalise.ts';
import { linear } from '../../ops/linear.ts';
import { queryAttention } from '../../ops/query-attention.ts';
import type { ParameterTensors } from '../../parameters.ts';
import { type NamedLayers, namedLayers } from '../named-layers.ts';

/**
 * @param levels the tokens of each depth, [volumes * tokens, width].
 * @param options.flags [volumes, organs, tokens]: 1 where a token is of the organ, else 0; gets no gradient.
 * @returns [volumes, organs, embedding width], rows of length 1; zeros, without a gradient, for an organ without tokens.
 */
export function organEmbeddings(
  engine: Engine,
  levels: readonly Tensor2D[],
  {
    parameters,
    heads,
    flags,
  }: { readonly parameters: ParameterTensors; readonly heads: number; readonly flags: Tensor3D },
): Tensor3D {
  const { tf } = engine;
  const [volumes, organs, tokens] = flags.shape;
  const layers = namedLayers(engine, { parameters });
  const queries = layers.tensor<Tensor2D>('query_tokens');
  const width = queries.shape[1];
  if (queries.shape[0] !== organs) {
    throw new TypeError(`Cannot embed organs: the flags have ${organs}, the model has queries for ${queries.shape[0]}`);
  }
  return tf.tidy(() => {
    const together = tf.concat(
      levels.map((level) => tf.reshape(level, [volumes, tokens, width])),
      1,
    );
    const rows: Tensor2D = tf.reshape(together, [volumes * levels.length * tokens, width]);
    // Each token is mapped once, however many organs it belongs to.
    const attended = queryAttention(
      engine,
      {
        queries: linear(engine, queries, packedRows(engine, layers, [0, width])),
        keysAndValues: linear(engine, rows, packedRows(engine, layers, [width, 2 * width])),
      },
      { flags: tf.tile(flags, [1, 1, levels.length]), heads },
    );
    const mapped = layers.linear('attention.out_proj', attended);
    const embedded = linearOfEachOrgan(engine, tf.reshape(mapped, [volumes, organs, width]), layers);
    const outputWidth = embedded.shape[2];
    const unit = l2Normalise(engine, tf.reshape(embedded, [volumes * organs, outputWidth]));
    const present = tf.max(flags, 2);
    return tf.mul(tf.reshape(unit, embedded.shape), tf.reshape(present, [volumes, organs, 1])) as Tensor3D;
  });
}

/** Rows of the packed map of queries, keys and values, from a start and of a count. */
function packedRows(
  { tf }: Engine,
  layers: NamedLayers,
  [start, count]: readonly [number, number],
): { readonly weight: Tensor2D; readonly bias: Tensor1D } {
  const weight = layers.tensor<Tensor2D>('attention.in_proj_weight');
  const bias = layers.tensor<Tensor1D>('attention.in_proj_bias');
  return {
    weight: tf.slice(weight, [start, 0], [count, weight.shape[1]]),
    bias: tf.slice(bias, [start], [count]),
  };
}

/** [volumes, organs, width] -> [volumes, organs, embedding width] */
function linearOfEachOrgan({ tf }: Engine, x: Tensor3D, layers: NamedLayers): Tensor3D {
  const [volumes, organs, width] = x.shape;
  const embedded = Array.from({ length: organs }, (_, organ) => {
    const ofOrgan = tf.reshape(tf.slice(x, [0, organ, 0], [volumes, 1, width]), [volumes, width]) as Tensor2D;
    return tf.reshape(layers.linear(`vision_projs.${organ}`, ofOrgan), [volumes, 1, -1]) as Tensor3D;
  });
  return tf.concat(embedded, 1);
}
