import type { Scalar, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from './differentiable.ts';

/**
 * The mean over rows of the cross-entropy between softmax(logits) and the rows of `targets`; both [rows, classes], and
 * each row of targets sums to 1. No gradient reaches the targets.
 */
export function softmaxCrossEntropy(
  engine: Engine,
  logits: Tensor2D,
  { targets }: { readonly targets: Tensor2D },
): Scalar {
  const { tf } = engine;
  const rows = logits.shape[0];
  return differentiable(engine, [logits], {
    forward: (scores) => {
      const shifted = tf.sub(scores, tf.max(scores, 1, true));
      const exponentials = tf.exp(shifted);
      const sums = tf.sum(exponentials, 1, true);
      const logProbabilities = tf.sub(shifted, tf.log(sums));
      return {
        value: tf.mul(tf.sum(tf.mul(logProbabilities, targets)), -1 / rows) as Scalar,
        keep: { slope: tf.mul(tf.sub(tf.div(exponentials, sums), targets), 1 / rows) },
      };
    },
    backward: (dy, { slope }) => [tf.mul(slope, dy)],
  });
}
