/**
 * The attention-weighted mean of each patient's slices (Ilse et al. 2018, arXiv 1802.04712).
 *
 * Bags of different sizes are packed: only slices that exist are rows, and a membership matrix says whose they are. Padding
 * therefore costs nothing and cannot get attention.
 */
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { columnSums } from '../ops/column-sums.ts';
import { differentiable } from '../ops/differentiable.ts';
import { product } from '../ops/product.ts';

/** The slices of all patients together, and which slice is whose. */
export interface PackedBags {
  /** [slices, slice width] */
  readonly slices: Tensor2D;
  /** [patients, slices]: 1 where the slice is the patient's, else 0; gets no gradient. */
  readonly membership: Tensor2D;
}

export interface AttendedBags {
  /** [patients, width]: the attention-weighted mean of the slices; a zero row for a patient without slices. */
  readonly patients: Tensor2D;
  /** [patients, slices]: each row sums to 1 over the patient's own slices and is exactly 0 elsewhere. */
  readonly attention: () => Tensor2D;
}

/** @param scores [slices, 1], whose softmax over each patient's own slices is the attention. */
export function attentionPooling(engine: Engine, { slices, membership }: PackedBags, scores: Tensor2D): AttendedBags {
  const { tf } = engine;
  const patients = differentiable(engine, [slices, scores], {
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
  return { patients, attention: () => tf.tidy(() => attentionOf(engine, scores, membership)) };
}

/** Low enough that its exponential is 0 beside any real score, finite so that a patient without slices gives no NaN. */
const NOT_THEIRS = -1e9;

function attentionOf({ tf }: Engine, scores: Tensor2D, membership: Tensor2D): Tensor2D {
  const masked = tf.where(tf.cast(membership, 'bool'), tf.reshape(scores, [1, -1]), NOT_THEIRS);
  return tf.mul(tf.softmax(masked), membership);
}
