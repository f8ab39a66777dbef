import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from './differentiable.ts';
import { mergeHeads, mergeThreeHeads, splitHeads, splitThreeHeads } from './heads.ts';
import { hostLoop } from './host-loop.ts';
import { stackedProduct } from './stacked-product.ts';
import { fusedOperation, hasFusedOperations } from './tensorflow-operation.ts';
import { type HeadSizes, headMixes, headScores, qkvGradient, weightGradients } from './wasm-product/head-attention.ts';
import { multipliesInHeap } from './wasm-product/heap-products.ts';

/**
 * Multi-head self-attention between a sequence's tokens (Vaswani et al. 2017, arXiv 1706.03762), without the linear maps
 * before and after it.
 *
 * `qkv` is [sequences * tokens, 3 * width], its columns ordered as timm orders them: queries, keys, values, each as
 * heads of width / heads. The result is [sequences * tokens, width].
 *
 * `validTokens`, [sequences, tokens] of 1 and 0, says which tokens may be attended to; it gets no gradient. A sequence
 * needs at least one.
 */
export function attention(
  engine: Engine,
  qkv: Tensor2D,
  {
    sequences,
    heads,
    validTokens,
  }: { readonly sequences: number; readonly heads: number; readonly validTokens?: Tensor2D },
): Tensor2D {
  const [rows, columns] = qkv.shape;
  const tokens = rows / sequences;
  const headWidth = columns / 3 / heads;
  if (!Number.isInteger(tokens) || !Number.isInteger(headWidth)) {
    throw new TypeError(
      `Cannot attend: ${rows} rows must divide into ${sequences} sequences and ${columns} columns into 3 times ${heads} heads`,
    );
  }
  const scale = 1 / Math.sqrt(headWidth);
  if (multipliesInHeap(engine))
    return attentionInHeap(engine, qkv, { sequences, tokens, heads, headWidth, validTokens });
  return differentiable(engine, [qkv], {
    forward: (input) => {
      const [queries, keys, values] = splitThreeHeads(engine, input, { sequences, heads });
      const scores = stackedProduct(engine, [queries, keys], { transposeB: true });
      const hidden = validTokens && hiding(engine, validTokens, heads);
      const weights = scaledSoftmax(engine, scores, { scale, hidden });
      return {
        value: mergeHeads(engine, stackedProduct(engine, [weights, values]), { sequences, heads }),
        keep: { queries, keys, values, weights },
      };
    },
    backward: (dy, kept) => {
      const dOut = splitHeads(engine, dy, { sequences, heads });
      const dWeights = stackedProduct(engine, [dOut, kept.values], { transposeB: true });
      const dScores = softmaxGradient(engine, { dWeights, weights: kept.weights, scale });
      const dQueries = stackedProduct(engine, [dScores, kept.keys]);
      const dKeys = stackedProduct(engine, [dScores, kept.queries], { transposeA: true });
      const dValues = stackedProduct(engine, [kept.weights, dOut], { transposeA: true });
      return [mergeThreeHeads(engine, [dQueries, dKeys, dValues], { sequences, heads })];
    },
  });
}

/** The same without a copy of any head: the products read and write the wide matrices in place. */
function attentionInHeap(
  engine: Engine,
  qkv: Tensor2D,
  { validTokens, ...sizes }: HeadSizes & { readonly validTokens: Tensor2D | undefined },
): Tensor2D {
  const { tf } = engine;
  const scale = 1 / Math.sqrt(sizes.headWidth);
  return differentiable(engine, [qkv], {
    forward: (input) => {
      const scores = tf.mul(headScores(engine, input, sizes), scale);
      const seen = validTokens === undefined ? scores : tf.add(scores, hiding(engine, validTokens, sizes.heads));
      const weights = tf.softmax(seen) as Tensor3D;
      return { value: headMixes(engine, { weights, qkv: input }, sizes), keep: { input, weights } };
    },
    backward: (dy, { input, weights }) => {
      const dWeights = weightGradients(engine, { dy, qkv: input }, sizes);
      const [dScores] = hostLoop(engine, [dWeights, weights], {
        shapes: [weights.shape],
        loop: ([gradient, probabilities], [result]) =>
          softmaxBack(gradient!, probabilities!, { width: sizes.tokens, scale, result: result! }),
      }) as [Tensor3D];
      return [qkvGradient(engine, { dScores, weights, dy, qkv: input }, sizes)];
    },
  });
}

/** From the gradient of softmax(scale * scores) to that of the scores, row by row. */
function softmaxBack(
  gradient: Float32Array,
  probabilities: Float32Array,
  { width, scale, result }: { readonly width: number; readonly scale: number; readonly result: Float32Array },
): void {
  for (let start = 0; start < gradient.length; start += width) {
    let along = 0;
    for (let at = start; at < start + width; at += 1) along += gradient[at]! * probabilities[at]!;
    for (let at = start; at < start + width; at += 1) {
      result[at] = (gradient[at]! - along) * probabilities[at]! * scale;
    }
  }
}

/** softmax(scale * scores + hidden) along the last dimension. */
function scaledSoftmax(
  engine: Engine,
  scores: Tensor3D,
  { scale, hidden }: { readonly scale: number; readonly hidden: Tensor3D | undefined },
): Tensor3D {
  const { tf } = engine;
  if (hidden !== undefined) return tf.softmax(tf.add(tf.mul(scores, scale), hidden));
  if (hasFusedOperations(engine)) return fusedOperation(engine, 'Softmax', [scores, tf.scalar(scale)])[0] as Tensor3D;
  return tf.softmax(tf.mul(scores, scale));
}

/** From the gradient of softmax(scale * scores) to that of the scores. */
function softmaxGradient(
  engine: Engine,
  { dWeights, weights, scale }: { readonly dWeights: Tensor3D; readonly weights: Tensor3D; readonly scale: number },
): Tensor3D {
  const { tf } = engine;
  if (hasFusedOperations(engine)) {
    return fusedOperation(engine, 'SoftmaxGradient', [dWeights, weights, tf.scalar(scale)])[0] as Tensor3D;
  }
  const weighted = tf.mul(dWeights, weights);
  return tf.mul(tf.sub(weighted, tf.mul(weights, tf.sum(weighted, 2, true))), scale);
}

/** What hides padding from every query: [heads * sequences, 1, tokens], 0 or so low that its exponential is 0. */
function hiding({ tf }: Engine, validTokens: Tensor2D, heads: number): Tensor3D {
  const [sequences, tokens] = validTokens.shape;
  return tf.tile(tf.reshape(tf.mul(tf.sub(validTokens, 1), 1e9), [sequences, 1, tokens]), [heads, 1, 1]);
}
