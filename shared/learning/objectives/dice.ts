import type { Scalar, Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from '../ops/differentiable.ts';

export interface DiceOptions {
  /** 1 inside the structure, 0 outside; the shape of the logits. */
  readonly masks: Tensor;
  /** Whether sums run over the whole batch (one large structure outweighs small ones) or each sample has its own loss. */
  readonly over: 'batch' | 'sample';
  /** Added above and below, so that an empty mask that is predicted empty costs nothing. */
  readonly smoothing?: number;
}

/**
 * Soft Dice loss of logits [samples, ...]: with p = sigmoid(logits) and masks y, 1 - (2 sum(p y) + smoothing) /
 * (sum p + sum y + smoothing); of the batch, or the mean over samples.
 */
export function diceLoss(engine: Engine, logits: Tensor, options: DiceOptions): Scalar {
  const { tf } = engine;
  const losses = diceLosses(engine, logits, options);
  return tf.mul(tf.sum(losses), 1 / losses.size);
}

/** The same before the mean: [samples, 1], or [1, 1] of the batch. */
export function diceLosses(engine: Engine, logits: Tensor, { masks, over, smoothing = 1 }: DiceOptions): Tensor2D {
  const { tf } = engine;
  if (masks.shape.join() !== logits.shape.join()) {
    throw new TypeError(
      `Cannot compare logits [${logits.shape.join(', ')}] with masks [${masks.shape.join(', ')}]: their shapes must agree`,
    );
  }
  const rows = over === 'batch' ? 1 : logits.shape[0]!;
  const truth: Tensor2D = tf.reshape(masks, [rows, -1]);
  const sums = (x: Tensor2D) => sumOfRows(engine, x, logits.shape);
  return differentiable(engine, [tf.reshape(logits, [rows, -1]) as Tensor2D], {
    forward: (scores) => {
      const inside: Tensor2D = tf.sigmoid(scores);
      const overlap = tf.add(tf.mul(sums(tf.mul(inside, truth)), 2), smoothing);
      const total: Tensor2D = tf.add(tf.add(sums(inside), sums(truth)), smoothing);
      const dice: Tensor2D = tf.div(overlap, total);
      return { value: tf.sub(1, dice) as Tensor2D, keep: { inside, truth, total, dice } };
    },
    backward: (dy, { inside, truth, total, dice }) => {
      const ofInside = tf.div(tf.sub(dice, tf.mul(truth, 2)), total);
      return [tf.mul(tf.mul(tf.mul(ofInside, dy), inside), tf.sub(1, inside))];
    },
  });
}

/**
 * The sums of x [rows, numbers], [rows, 1]. They are taken axis by axis of the `shape` the numbers came in: WebAssembly adds
 * one number after the other, and the sum of millions would swallow the last ones.
 */
function sumOfRows({ tf }: Engine, x: Tensor2D, shape: number[]): Tensor2D {
  const rows = x.shape[0];
  let sums: Tensor = tf.reshape(x, shape);
  while (sums.rank > 1) sums = tf.sum(sums, -1);
  return tf.reshape(rows === 1 ? tf.sum(sums) : sums, [rows, 1]);
}
