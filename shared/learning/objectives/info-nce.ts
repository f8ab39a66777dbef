/**
 * Symmetric InfoNCE between two views of the same patients (CLIP's form, MEDFORM's alignment loss): with unit rows u, v and
 * logits L = u v^T / temperature, the mean over patients of the cross-entropies of row i and of column i against i, both
 * directions averaged.
 *
 * The gradient is written out: with P and Q the softmax of L over rows and over columns and N patients,
 * dL = ((P + Q) / 2 - I) / N. The forward pass keeps only what that needs.
 */
import type { Scalar, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from '../ops/differentiable.ts';
import { l2Normalise } from '../ops/l2-normalise.ts';
import { product } from '../ops/product.ts';

/**
 * @param views `a` and `b`, both [patients, width]; row i of both is the same patient. They need not be normalised.
 * @throws {RangeError} when there are fewer than two patients: without a negative there is nothing to contrast.
 */
export function infoNce(
  engine: Engine,
  views: { readonly a: Tensor2D; readonly b: Tensor2D },
  { temperature }: { readonly temperature: number },
): Scalar {
  const { tf } = engine;
  const patients = views.a.shape[0];
  if (patients < 2 || views.b.shape[0] !== patients) {
    throw new RangeError(
      `Cannot contrast: the same two or more patients are needed in both views, found ${patients} and ${views.b.shape[0]}`,
    );
  }
  return differentiable(engine, [l2Normalise(engine, views.a), l2Normalise(engine, views.b)], {
    forward: (a, b) => {
      const logits = tf.div(product(engine, [a, b], { transposeB: true }), temperature);
      const overRows = tf.logSumExp(logits, 1, true);
      const overColumns = tf.logSumExp(logits, 0, true);
      const own = tf.div(tf.sum(tf.mul(a, b)), temperature);
      const total = tf.sub(tf.div(tf.add(tf.sum(overRows), tf.sum(overColumns)), 2), own);
      const shares = tf.add(tf.exp(tf.sub(logits, overRows)), tf.exp(tf.sub(logits, overColumns)));
      return {
        value: tf.div(total, patients) as Scalar,
        keep: { a, b, shares: tf.div(shares, 2) as Tensor2D },
      };
    },
    backward: (dy, { a, b, shares }) => {
      const scale = tf.div(dy, patients * temperature);
      return [
        tf.mul(tf.sub(product(engine, [shares, b]), b), scale),
        tf.mul(tf.sub(product(engine, [shares, a], { transposeA: true }), a), scale),
      ];
    },
  });
}
