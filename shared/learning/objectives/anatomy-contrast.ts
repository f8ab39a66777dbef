/**
 * fVLM's objective (Shui et al. 2025, arXiv 2501.14548): each anatomy's image and text embeddings are contrasted over the
 * batch, and pairs that are alike are not pushed apart. All anatomies are computed as one stack.
 */
import type { Scalar, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { l2Normalise } from '../ops/l2-normalise.ts';
import { rowProducts } from '../ops/row-products.ts';
import { OUT_OF_REACH, softmaxCrossEntropy } from '../ops/softmax-cross-entropy.ts';
import { unrecorded } from '../ops/unrecorded.ts';
import { type AnatomyLabels, type AnatomyPairs, anatomyPairs } from './anatomy-pairs.ts';
import { divideByTemperature, type Temperature } from './temperature.ts';

/** One vector for each sample and anatomy, [samples, anatomies, width], of any length; absent ones may hold anything finite. */
export interface AnatomyEmbeddings {
  readonly images: Tensor3D;
  readonly texts: Tensor3D;
}

/** How abnormal pairs that may be alike are told from those that are not; no gradient reaches what tells it. */
export type Calibration =
  /** A second model's similarities share in the targets (the paper's co-teaching). */
  | { readonly peer: AnatomyEmbeddings; readonly temperature: Temperature; readonly share: number }
  /** The similarities of the texts as a momentum text encoder [samples, anatomies, width] sees them are added (RADAR). */
  | { readonly momentumTexts: Tensor3D; readonly temperature: Temperature };

export interface AnatomyContrast {
  /** The sum over the anatomies that teach something; zero when none does. */
  readonly loss: Scalar;
  readonly lossOfAnatomy: Tensor1D;
  readonly active: readonly boolean[];
  /** Of images to texts, [anatomies, samples, samples]; rows of zeros for absent samples and skipped anatomies. */
  readonly targets: Tensor3D;
}

/**
 * For each anatomy k, with cosine logits S over the samples that have it and targets Y with rows that sum to 1,
 *
 *   L_k = 1/2 [ -mean_i sum_j Y_ij log softmax_j S_ij + the same of S^t ].
 */
export function anatomyContrast(
  engine: Engine,
  embeddings: AnatomyEmbeddings,
  options: {
    readonly temperature: Temperature;
    readonly labels: AnatomyLabels;
    readonly calibration?: Calibration | undefined;
  },
): AnatomyContrast {
  const { tf } = engine;
  const { samples, anatomies } = options.labels;
  for (const { shape } of [embeddings.images, embeddings.texts]) {
    if (shape[0] !== samples || shape[1] !== anatomies) {
      throw new TypeError(
        `Cannot contrast anatomies: embeddings of ${samples} samples and ${anatomies} anatomies are needed, found [${shape.join(', ')}]`,
      );
    }
  }
  const pairs = anatomyPairs(options.labels);
  const absent = unrecorded(engine, () => tf.mul(tf.sub(1, presence(engine, options.labels)), OUT_OF_REACH));
  const withoutAbsent = (logits: Tensor3D): Tensor3D => tf.sub(logits, absent);
  const similarities = logitsOf(engine, [embeddings.images, embeddings.texts], options.temperature);
  const directions = [similarities, tf.transpose(similarities, [0, 2, 1])].map(withoutAbsent);
  const targets = targetsOf(engine, { pairs, options, withoutAbsent });
  const losses = directions.map((logits, index) =>
    tf.reshape(
      softmaxCrossEntropy(engine, tf.reshape(logits, [-1, samples]) as Tensor2D, {
        targets: tf.reshape(targets[index]!, [-1, samples]) as Tensor2D,
      }),
      [anatomies, samples],
    ),
  );
  const weights = unrecorded(engine, () => rowWeights(engine, options.labels));
  const lossOfAnatomy: Tensor1D = tf.sum(tf.mul(tf.add(losses[0]!, losses[1]!), weights), 1);
  return { loss: tf.sum(lossOfAnatomy), lossOfAnatomy, active: pairs.active, targets: targets[0]! };
}

/** The cosine logits of each anatomy, [anatomies, samples, samples]. */
function logitsOf(engine: Engine, sides: readonly [Tensor3D, Tensor3D], temperature: Temperature): Tensor3D {
  const [a, b] = sides.map((side) => anatomiesFirst(engine, side)) as [Tensor3D, Tensor3D];
  return divideByTemperature(engine, rowProducts(engine, [a, b]), temperature);
}

/** Unit vectors, [anatomies, samples, width]. */
function anatomiesFirst(engine: Engine, embeddings: Tensor3D): Tensor3D {
  const { tf } = engine;
  const [samples, anatomies, width] = embeddings.shape;
  const unit = l2Normalise(engine, tf.reshape(embeddings, [samples * anatomies, width]) as Tensor2D);
  return tf.transpose(tf.reshape(unit, [samples, anatomies, width]) as Tensor3D, [1, 0, 2]);
}

/** The targets of images to texts and of texts to images. */
function targetsOf(
  engine: Engine,
  {
    pairs,
    options: { labels, calibration },
    withoutAbsent,
  }: {
    pairs: AnatomyPairs;
    options: { labels: AnatomyLabels; calibration?: Calibration | undefined };
    withoutAbsent: (logits: Tensor3D) => Tensor3D;
  },
): readonly [Tensor3D, Tensor3D] {
  const { tf } = engine;
  const { samples, anatomies } = labels;
  const matrices = (values: Float32Array): Tensor3D => tf.tensor3d(values, [anatomies, samples, samples]);
  const alike = matrices(pairs.positive);
  if (calibration === undefined) {
    const targets = unrecorded(engine, () => rowsToOne(engine, alike));
    return [targets, targets];
  }
  if ('momentumTexts' in calibration) {
    const { momentumTexts: texts, temperature } = calibration;
    const targets = unrecorded(engine, () => {
      const likeness = tf.softmax(withoutAbsent(logitsOf(engine, [texts, texts], temperature)));
      return rowsToOne(engine, tf.add(alike, tf.mul(likeness, matrices(pairs.perhapsAlike))));
    });
    return [targets, targets];
  }
  const { peer, temperature, share } = calibration;
  const mixed = (direction: (logits: Tensor3D) => Tensor3D) =>
    unrecorded(engine, () => {
      const own = rowsToOne(engine, alike);
      const seen = tf.softmax(withoutAbsent(direction(logitsOf(engine, [peer.images, peer.texts], temperature))));
      // Rows that take no part stay without targets.
      return tf.add(tf.mul(own, 1 - share), tf.mul(tf.mul(seen, tf.sum(own, 2, true)), share)) as Tensor3D;
    });
  return [mixed((logits) => logits), mixed((logits) => tf.transpose(logits, [0, 2, 1]))];
}

/** Scales each row to sum 1; a row of zeros stays. */
function rowsToOne({ tf }: Engine, matrices: Tensor3D): Tensor3D {
  const sums = tf.sum(matrices, 2, true);
  return tf.div(matrices, tf.add(sums, tf.cast(tf.equal(sums, 0), 'float32')));
}

/** 1 where a sample has the anatomy, [anatomies, 1, samples]. */
function presence({ tf }: Engine, { samples, anatomies, present }: AnatomyLabels): Tensor3D {
  const flags = tf.tensor2d(Float32Array.from(present, Number), [samples, anatomies]);
  return tf.reshape(tf.transpose(flags), [anatomies, 1, samples]);
}

/** What a row's losses in both directions count, [anatomies, samples]: their mean over the samples that have the anatomy. */
function rowWeights(engine: Engine, labels: AnatomyLabels): Tensor2D {
  const { tf } = engine;
  const present: Tensor2D = tf.reshape(presence(engine, labels), [labels.anatomies, labels.samples]);
  return tf.div(present, tf.maximum(tf.mul(tf.sum(present, 1, true), 2), 1));
}
