import type { Scalar, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { OUT_OF_REACH, softmaxCrossEntropy } from '../ops/softmax-cross-entropy.ts';
import { unrecorded } from '../ops/unrecorded.ts';
import { cosineLogits } from './cosine-logits.ts';

export interface LeclOptions {
  readonly temperature: number;
  /** Which samples show a lesion. */
  readonly lesions: readonly boolean[];
  /** Multiplies the logits of the extra negatives (the released code's form); 1 unless given. */
  readonly logitWeight?: number;
  /** Multiplies the terms of the extra negatives (the paper's lambda); 1 unless given. */
  readonly termWeight?: number;
}

/**
 * One direction of lesion-enhanced contrast (CLEAR, arXiv 2411.16803): MoCo v3's loss, in which the lesion samples among
 * the other rows count a second time as negatives, so that different lesions are pushed apart. With s = cosine / T,
 *
 *   2T mean_i ( -s_ii + log( sum_j exp(s_ij) + sum_{lesion j != i} lambda exp(w s_ij) ) ).
 *
 * Queries and keys are [samples, width], row i of both being views of sample i; no gradient reaches the keys. Without
 * lesions it is MoCo v3's loss (Chen et al. 2021, arXiv 2104.02057).
 */
export function lecl(
  engine: Engine,
  { queries, keys }: { readonly queries: Tensor2D; readonly keys: Tensor2D },
  { temperature, lesions, logitWeight = 1, termWeight = 1 }: LeclOptions,
): Scalar {
  const { tf } = engine;
  const samples = queries.shape[0];
  if (samples < 2 || keys.shape[0] !== samples || lesions.length !== samples) {
    throw new RangeError(
      `Cannot contrast: queries, keys and lesion flags of the same two or more samples are needed, found ${samples}, ${keys.shape[0]} and ${lesions.length}`,
    );
  }
  const fixedKeys = unrecorded(engine, () => tf.clone(keys));
  const logits = cosineLogits(engine, { a: queries, b: fixedKeys }, { temperature });
  const own: Tensor2D = tf.eye(samples);
  const scale = (2 * temperature) / samples;
  if (termWeight === 0 || !lesions.includes(true)) {
    return tf.mul(tf.sum(softmaxCrossEntropy(engine, logits, { targets: own })), scale);
  }
  // The extra terms are further classes of the same softmax, which are nobody's target.
  const extra = tf.add(tf.mul(logits, logitWeight), extraTerms(engine, lesions, Math.log(termWeight)));
  const losses = softmaxCrossEntropy(engine, tf.concat([logits, extra], 1) as Tensor2D, {
    targets: tf.concat([own, tf.zerosLike(own)], 1) as Tensor2D,
  });
  return tf.mul(tf.sum(losses), scale);
}

/** [samples, samples]: the logarithm of the weight of the extra term of row i and lesion sample j, out of reach elsewhere. */
function extraTerms({ tf }: Engine, lesions: readonly boolean[], logWeight: number): Tensor2D {
  return tf.tensor2d(
    lesions.flatMap((_, row) =>
      lesions.map((lesion, column) => (lesion && row !== column ? logWeight : -OUT_OF_REACH)),
    ),
    [lesions.length, lesions.length],
  );
}
