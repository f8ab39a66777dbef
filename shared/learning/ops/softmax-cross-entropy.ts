import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from './differentiable.ts';

/**
 * The cross-entropy between softmax(logits) and `targets` of each row, -sum_j targets_j log softmax_j; both are
 * [rows, classes], the result is [rows]. Targets may be soft, and a row of zeros costs nothing. No gradient reaches them.
 *
 * Logits may be as large as a temperature makes them: only their distance to the row's largest is exponentiated. To take
 * a class out of a row's softmax, subtract `OUT_OF_REACH` from its logit.
 */
export function softmaxCrossEntropy(
  engine: Engine,
  logits: Tensor2D,
  { targets }: { readonly targets: Tensor2D },
): Tensor1D {
  const { tf } = engine;
  return differentiable(engine, [logits], {
    forward: (scores) => {
      const shifted = tf.sub(scores, tf.max(scores, 1, true));
      const exponentials = tf.exp(shifted);
      const sums = tf.sum(exponentials, 1, true);
      const logProbabilities = tf.sub(shifted, tf.log(sums));
      const shares = tf.mul(tf.div(exponentials, sums), tf.sum(targets, 1, true));
      return {
        value: tf.neg(tf.sum(tf.mul(logProbabilities, targets), 1)) as Tensor1D,
        keep: { slope: tf.sub(shares, targets) },
      };
    },
    backward: (dy, { slope }) => [tf.mul(slope, tf.reshape(dy, [-1, 1]))],
  });
}

/** Far below any logit, and far from what float32 cannot hold. */
export const OUT_OF_REACH = 1e9;
