/**
 * The gene encoder of MGI (arXiv 2406.00631), which names its parts, a Mamba over an expression profile, but no sizes and
 * no code: tokens of genes (gene-tokens.ts), residual Mamba blocks, `norm_f`, the mean over tokens, and `proj` into the
 * space shared with images.
 */
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../../engine/open-engine.ts';
import { differentiable } from '../../ops/differentiable.ts';
import { inverseOrder, permuteRows } from '../../ops/permute-rows.ts';
import { rowProducts } from '../../ops/row-products.ts';
import { type ParameterTensors, parameter } from '../../parameters.ts';
import { genesPerToken, geneTokens } from './gene-tokens.ts';
import { mambaBlocks } from './mamba-blocks.ts';
import { presentTokens } from './present-tokens.ts';

export interface MambaGeneEncoder {
  readonly parameters: ParameterTensors;
  /** Of all normalisations; 1e-5, as in state-spaces/mamba, unless given. */
  readonly epsilon?: number;
  /**
   * Which genes were measured, [patients, genes] row by row, 0 for absent; all unless given. The value of an absent gene
   * counts as 0 whatever it is, and a token without a measured gene counts as if it were not in the sequence: it neither changes another
   * token nor enters the mean.
   */
  readonly present?: Uint8Array;
}

export interface GeneEncoding {
  /** [patients, tokens, width]; what stands at tokens without a measured gene means nothing. */
  readonly tokens: Tensor3D;
  /** Their mean, [patients, width]. */
  readonly pooled: Tensor2D;
  /** [patients, embedding width] */
  readonly embedding: Tensor2D;
}

/** Encodes profiles [patients, genes] in the fixed order of genes. */
export function encodeGenes(
  engine: Engine,
  values: Tensor2D,
  { parameters, epsilon = 1e-5, present }: MambaGeneEncoder,
): GeneEncoding {
  const { tf } = engine;
  const absent = present?.some((mark) => mark === 0) === true ? present : null;
  return tf.tidy(() => {
    const { tokens, pooled } =
      absent === null
        ? encodeAll(engine, values, { parameters, epsilon })
        : encodePresent(engine, values, { parameters, epsilon, present: absent });
    return { tokens, pooled, embedding: rowProducts(engine, [pooled, parameter<Tensor2D>(parameters, 'proj.weight')]) };
  });
}

type Encoder = Required<Pick<MambaGeneEncoder, 'parameters' | 'epsilon'>>;

function encodeAll(engine: Engine, values: Tensor2D, { parameters, epsilon }: Encoder) {
  const { tf } = engine;
  const tokens = mambaBlocks(engine, geneTokens(engine, values, { parameters }), { parameters, epsilon });
  return { tokens, pooled: tf.mul<Tensor2D>(tf.sum(tokens, 1), 1 / tokens.shape[1]) };
}

/**
 * Present tokens go first. Nothing in a Mamba looks ahead, so what follows them changes none of them, and patients with
 * different genes still share a batch.
 */
function encodePresent(
  engine: Engine,
  values: Tensor2D,
  { parameters, epsilon, present }: Encoder & { readonly present: Uint8Array },
) {
  const { tf } = engine;
  const [patients, genes] = values.shape;
  const { order, weights } = presentTokens(present, { patients, genes, genesPerToken: genesPerToken(parameters) });
  const all = geneTokens(engine, zeroAbsent(engine, values, present), { parameters });
  const reordered = (tokens: Tensor3D, places: Int32Array): Tensor3D =>
    tf.reshape(permuteRows(engine, tf.reshape(tokens, [-1, tokens.shape[2]]), places), tokens.shape);
  const packed = mambaBlocks(engine, reordered(all, order), { parameters, epsilon });
  const shares = tf.tensor3d(weights, [patients, weights.length / patients, 1]);
  return {
    tokens: reordered(packed, inverseOrder(order)),
    pooled: tf.sum(tf.mul(packed, shares), 1) as Tensor2D,
  };
}

/** By choice and not by a product, because what stands for an absent value may not be a number. */
function zeroAbsent(engine: Engine, values: Tensor2D, present: Uint8Array): Tensor2D {
  const { tf } = engine;
  return differentiable(engine, [values], {
    forward: (all) => {
      const marks = tf.tensor2d(present, all.shape, 'bool');
      const zeros = tf.zerosLike(all);
      return { value: tf.where(marks, all, zeros), keep: { marks } };
    },
    backward: (dy, { marks }) => [tf.mul(dy, tf.cast(marks, 'float32'))],
  });
}
