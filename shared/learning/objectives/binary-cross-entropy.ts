import type { Scalar, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from '../ops/differentiable.ts';

/**
 * The mean over samples and labels of -(w y log p + (1 - y) log(1 - p)) with p = sigmoid(logits), all [samples, labels].
 * Finite for any logit.
 *
 * @param options.positiveWeights [labels]: what a positive of each label counts, for labels with few of them.
 */
export function binaryCrossEntropy(
  engine: Engine,
  logits: Tensor2D,
  { targets, positiveWeights }: { readonly targets: Tensor2D; readonly positiveWeights?: Tensor1D },
): Scalar {
  const { tf } = engine;
  return differentiable(engine, [logits], {
    forward: (scores) => {
      const positives = tf.mul(targets, positiveWeights ?? 1);
      const negatives = tf.sub(1, targets);
      // -log p and -log(1 - p) share their curved part, which never overflows.
      const curved = tf.log(tf.add(tf.exp(tf.neg(tf.abs(scores))), 1));
      const losses = tf.add(
        tf.mul(positives, tf.add(curved, tf.relu(tf.neg(scores)))),
        tf.mul(negatives, tf.add(curved, tf.relu(scores))),
      );
      const slope = tf.sub(tf.mul(tf.sigmoid(scores), tf.add(positives, negatives)), positives) as Tensor2D;
      return { value: tf.mean(losses) as Scalar, keep: { slope } };
    },
    backward: (dy, { slope }) => [tf.mul(slope, tf.div(dy, slope.size))],
  });
}
