/**
 * A patient's vector from the embeddings of the patient's slices: MEDFORM's bag encoder, gated attention (Ilse et al. 2018,
 * arXiv 1802.04712) behind two pre-attention layers. Tensor names are those of `gatedAttentionLayout`.
 *
 * Bags of different sizes are packed: only slices that exist are rows, and a membership matrix says whose they are. Padding
 * therefore costs nothing and cannot get attention.
 *
 * MEDFORM's drop-outs (0.1 after each pre-attention layer, 0.25 on the gates) are left out: they would draw several random
 * numbers for each activation, and training would depend on a further seed.
 */
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { columnSums } from '../ops/column-sums.ts';
import { differentiable } from '../ops/differentiable.ts';
import { gelu } from '../ops/gelu.ts';
import { layerNorm } from '../ops/layer-norm.ts';
import { linear } from '../ops/linear.ts';
import { linearOfData } from '../ops/linear-of-data.ts';
import { product } from '../ops/product.ts';
import { type ParameterTensors, parameter } from '../parameters.ts';

/** PyTorch's default, which MEDFORM keeps. */
const EPSILON = 1e-5;

/** The slices of all patients together, and which slice is whose. */
export interface PackedBags {
  /** [slices, slice width]: data, which gets no gradient. */
  readonly slices: Tensor2D;
  /** [patients, slices]: 1 where the slice is the patient's, else 0. */
  readonly membership: Tensor2D;
}

export interface AttendedBags {
  /** [patients, width]: the attention-weighted mean of the hidden slices; a zero row for a patient without slices. */
  readonly patients: Tensor2D;
  /** [patients, slices]: each row sums to 1 over the patient's own slices and is exactly 0 elsewhere. */
  readonly attention: () => Tensor2D;
}

export function gatedAttention(
  engine: Engine,
  { slices, membership }: PackedBags,
  { parameters, prefix }: { readonly parameters: ParameterTensors; readonly prefix: string },
): AttendedBags {
  const tensorsOf = (name: string) => ({
    weight: parameter<Tensor2D>(parameters, `${prefix}.${name}.weight`),
    bias: parameter<Tensor1D>(parameters, `${prefix}.${name}.bias`),
  });
  const linearOf = (name: string, x: Tensor2D) => linear(engine, x, tensorsOf(name));
  const normOf = (name: string, x: Tensor2D) =>
    layerNorm(engine, x, {
      weight: parameter<Tensor1D>(parameters, `${prefix}.${name}.weight`),
      bias: parameter<Tensor1D>(parameters, `${prefix}.${name}.bias`),
      epsilon: EPSILON,
    });
  const first = gelu(engine, normOf('pre_attn.1', linearOfData(engine, slices, tensorsOf('pre_attn.0'))));
  const hidden = gelu(engine, normOf('pre_attn.5', linearOf('pre_attn.4', first)));
  const gated = gate(engine, linearOf('attn.attention_a.0', hidden), linearOf('attn.attention_b.0', hidden));
  const scores = linearOf('attn.attention_c', gated);
  return {
    patients: attend(engine, { hidden, scores }, membership),
    attention: () => engine.tf.tidy(() => attentionOf(engine, scores, membership)),
  };
}

/** tanh(a) * sigmoid(b), element by element. */
function gate(engine: Engine, a: Tensor2D, b: Tensor2D): Tensor2D {
  const { tf } = engine;
  return differentiable(engine, [a, b], {
    forward: (ofContent, ofOpening) => {
      const content = tf.tanh(ofContent);
      const opening = tf.sigmoid(ofOpening);
      const gated = tf.mul(content, opening) as Tensor2D;
      return { value: gated, keep: { content, opening, gated } };
    },
    // (1 - t^2) s and t s (1 - s), from the product t s that is already there.
    backward: (dy, { content, opening, gated }) => [
      tf.mul(dy, tf.sub(opening, tf.mul(gated, content))),
      tf.mul(dy, tf.sub(gated, tf.mul(gated, opening))),
    ],
  });
}

/** Low enough that its exponential is 0 beside any real score, finite so that a patient without slices gives no NaN. */
const NOT_THEIRS = -1e9;

/** The softmax of the scores [slices, 1] over each patient's own slices. */
function attentionOf({ tf }: Engine, scores: Tensor2D, membership: Tensor2D): Tensor2D {
  const masked = tf.where(tf.cast(membership, 'bool'), tf.reshape(scores, [1, -1]), NOT_THEIRS);
  return tf.mul(tf.softmax(masked), membership);
}

/** Each patient's mean of the hidden slices [slices, width] under the attention. */
function attend(
  engine: Engine,
  { hidden, scores }: { hidden: Tensor2D; scores: Tensor2D },
  membership: Tensor2D,
): Tensor2D {
  const { tf } = engine;
  return differentiable(engine, [hidden, scores], {
    forward: (rows, ofSlices) => {
      const attention = attentionOf(engine, ofSlices, membership);
      return { value: product(engine, [attention, rows]), keep: { rows, attention } };
    },
    backward: (dy, { rows, attention }) => {
      const weighted = tf.mul(product(engine, [dy, rows], { transposeB: true }), attention);
      const dScores = tf.sub(weighted, tf.mul(attention, tf.sum(weighted, 1, true))) as Tensor2D;
      // Each slice has one owner, so the sum over patients has one term.
      return [product(engine, [attention, dy], { transposeA: true }), tf.reshape(columnSums(engine, dScores), [-1, 1])];
    },
  });
}
