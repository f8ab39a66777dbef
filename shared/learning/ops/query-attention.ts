import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from './differentiable.ts';
import { stackedProduct } from './stacked-product.ts';

/** Low enough that its exponential is 0 beside any real score, finite so that a query without tokens gives no NaN. */
const NOT_ATTENDED = -1e9;

/**
 * Multi-head attention of a few learned queries over each sample's tokens, without the linear maps before and after it.
 * Every sample is asked the same queries, and each query attends to the tokens of its own that `flags` names.
 *
 * `queries` is [queries, width], `keysAndValues` [samples * tokens, 2 * width] with the keys first, `flags` [samples,
 * queries, tokens] of 1 and 0, which gets no gradient. The result is [samples * queries, width]; a query without tokens
 * gives a zero row and passes no gradient.
 */
export function queryAttention(
  engine: Engine,
  { queries, keysAndValues }: { readonly queries: Tensor2D; readonly keysAndValues: Tensor2D },
  { flags, heads }: { readonly flags: Tensor3D; readonly heads: number },
): Tensor2D {
  const { tf } = engine;
  const [samples, asked, tokens] = flags.shape;
  const width = queries.shape[1];
  const headWidth = width / heads;
  const expected = [samples * tokens, 2 * width];
  if (!Number.isInteger(headWidth) || queries.shape[0] !== asked || `${keysAndValues.shape}` !== `${expected}`) {
    throw new TypeError(
      `Cannot attend: ${heads} heads over flags [${flags.shape}] need queries [${asked}, a multiple of ${heads}] and keys and values [${expected}], found [${queries.shape}] and [${keysAndValues.shape}]`,
    );
  }
  const scale = 1 / Math.sqrt(headWidth);
  /** [samples * rows, parts * headWidth] -> [parts * samples, rows, headWidth] */
  const byHead = (x: Tensor2D, parts: number): Tensor3D => {
    const rows = x.shape[0] / samples;
    const apart = tf.transpose(tf.reshape(x, [samples, rows, parts, headWidth]), [2, 0, 1, 3]);
    return tf.reshape(apart, [parts * samples, rows, headWidth]);
  };
  const byRow = (x: Tensor3D): Tensor2D => {
    const [stack, rows] = x.shape;
    const parts = stack / samples;
    const apart = tf.transpose(tf.reshape(x, [parts, samples, rows, headWidth]), [1, 2, 0, 3]);
    return tf.reshape(apart, [samples * rows, parts * headWidth]);
  };
  return differentiable(engine, [queries, keysAndValues], {
    forward: (ofQueries, ofTokens) => {
      const asking = byHead(tf.tile(ofQueries, [samples, 1]), heads);
      const [keys, values] = tf.split(byHead(ofTokens, 2 * heads), 2, 0) as [Tensor3D, Tensor3D];
      const scores = tf.mul(stackedProduct(engine, [asking, keys], { transposeB: true }), scale);
      const mask = tf.tile(flags, [heads, 1, 1]);
      // Other tokens are only lowered by the softmax; the product makes them exactly 0, also where there is no own one.
      const weights = tf.mul(tf.softmax(tf.where(tf.cast(mask, 'bool'), scores, NOT_ATTENDED)), mask) as Tensor3D;
      return { value: byRow(stackedProduct(engine, [weights, values])), keep: { asking, keys, values, weights } };
    },
    backward: (dy, { asking, keys, values, weights }) => {
      const dOut = byHead(dy, heads);
      const weighted = tf.mul(stackedProduct(engine, [dOut, values], { transposeB: true }), weights);
      const dScores = tf.mul(tf.sub(weighted, tf.mul(weights, tf.sum(weighted, 2, true))), scale) as Tensor3D;
      const dAsking = tf.reshape(byRow(stackedProduct(engine, [dScores, keys])), [samples, asked, width]);
      const dKeys = stackedProduct(engine, [dScores, asking], { transposeA: true });
      const dValues = stackedProduct(engine, [weights, dOut], { transposeA: true });
      return [tf.sum(dAsking, 0) as Tensor2D, byRow(tf.concat([dKeys, dValues], 0))];
    },
  });
}
