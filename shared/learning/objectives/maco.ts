/**
 * MaCo's objective (Huang et al. 2024, arXiv 2309.05904): contrast between radiographs and reports in which each radiograph
 * counts by how informative its visible patches are, beside the reconstruction of the others.
 */
import type { Scalar, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { linear } from '../ops/linear.ts';
import { softmaxCrossEntropy } from '../ops/softmax-cross-entropy.ts';
import { softplus } from '../ops/softplus.ts';
import { unrecorded } from '../ops/unrecorded.ts';
import { type ParameterTensors, parameter } from '../parameters.ts';
import { cosineLogits } from './cosine-logits.ts';
import type { Temperature } from './temperature.ts';

/**
 * s_i = softplus(w . v_i + b), with v_i the visibility of image i's patches and w the learned importance of each patch.
 *
 * @param visible [images, patches], 1 or 0.
 * @param parameters `pos_weight_img.weight` [1, patches] and `pos_weight_img.bias` [1].
 * @returns [images]
 */
export function sampleWeights(engine: Engine, visible: Tensor2D, parameters: ParameterTensors): Tensor1D {
  const { tf } = engine;
  const scores = linear(engine, tf.cast(visible, 'float32'), {
    weight: parameter<Tensor2D>(parameters, 'pos_weight_img.weight'),
    bias: parameter<Tensor1D>(parameters, 'pos_weight_img.bias'),
  });
  return softplus(engine, tf.reshape(scores, [-1]) as Tensor1D);
}

/**
 * With cosine logits l of pair (i, j), row i being image i's:
 *
 *   1/4 [ CE(s_i l_ij) + CE(s_j l_ji) + WCE(l) + WCE(l^T) ],   WCE = sum_i s_i nll_i / sum_i s_i.
 *
 * In the first two s sharpens the rows and is trained by that; in WCE it weighs samples and gets no gradient.
 */
export function macoContrast(
  engine: Engine,
  { images, texts }: { readonly images: Tensor2D; readonly texts: Tensor2D },
  { temperature, weights }: { readonly temperature: Temperature; readonly weights: Tensor1D },
): Scalar {
  const { tf } = engine;
  const samples = images.shape[0];
  if (samples < 2 || texts.shape[0] !== samples || weights.shape[0] !== samples) {
    throw new RangeError(
      `Cannot contrast: images, texts and weights of the same two or more samples are needed, found ${samples}, ${texts.shape[0]} and ${weights.shape[0]}`,
    );
  }
  const targets: Tensor2D = tf.eye(samples);
  const ofImages = cosineLogits(engine, { a: images, b: texts }, { temperature });
  const ofTexts = tf.transpose(ofImages);
  const sharpness: Tensor2D = tf.reshape(weights, [-1, 1]);
  const [sharpImages, sharpTexts, plainImages, plainTexts] = [
    tf.mul(ofImages, sharpness) as Tensor2D,
    tf.mul(ofTexts, sharpness) as Tensor2D,
    ofImages,
    ofTexts,
  ].map((logits) => softmaxCrossEntropy(engine, logits, { targets })) as [Tensor1D, Tensor1D, Tensor1D, Tensor1D];
  const shares = unrecorded(engine, () => tf.div(weights, tf.sum(weights)) as Tensor1D);
  const weighted: Tensor1D = tf.mul(tf.add(plainImages, plainTexts), shares);
  const sharpened: Tensor1D = tf.mul(tf.add(sharpImages, sharpTexts), 1 / samples);
  return tf.mul(tf.sum(tf.add(weighted, sharpened)), 1 / 4);
}

/** The released code adds both losses; with a share for reconstruction (the paper's lambda) they are mixed. */
export function macoLoss(
  { tf }: Engine,
  { reconstruction, contrast }: { readonly reconstruction: Scalar; readonly contrast: Scalar },
  { reconstructionShare }: { readonly reconstructionShare: number | null },
): Scalar {
  if (reconstructionShare === null) return tf.add(reconstruction, contrast);
  return tf.add(tf.mul(reconstruction, reconstructionShare), tf.mul(contrast, 1 - reconstructionShare));
}
