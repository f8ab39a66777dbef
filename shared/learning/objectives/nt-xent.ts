import type { Scalar, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from '../ops/differentiable.ts';
import { l2Normalise } from '../ops/l2-normalise.ts';
import { product } from '../ops/product.ts';

/** Taken off a view's similarity to itself, so that it has no share in the softmax. */
const farAway = 1e9;

/**
 * SimCLR's loss (Chen et al. 2020, arXiv 2002.05709, equation 1): `views` is [2n, width], row i and row i + n being the
 * two views of slice i. Each view is to recognise its partner among the 2n - 1 others by cosine similarity; the loss is
 * the mean over all 2n views.
 */
export function ntXent(engine: Engine, views: Tensor2D, { temperature }: { readonly temperature: number }): Scalar {
  const rows = views.shape[0];
  if (rows < 4 || rows % 2 !== 0) {
    throw new TypeError(`Cannot contrast: two views of each of at least two slices are needed, found ${rows} rows`);
  }
  return contrastUnitRows(engine, l2Normalise(engine, views), temperature);
}

function contrastUnitRows(engine: Engine, unit: Tensor2D, temperature: number): Scalar {
  const { tf } = engine;
  const rows = unit.shape[0];
  return differentiable(engine, [unit], {
    forward: (vectors) => {
      const similarities = tf.div(product(engine, [vectors, vectors], { transposeB: true }), temperature);
      const others = tf.sub(similarities, tf.mul(tf.eye(rows), farAway));
      const partners = partnerMatrix(engine, rows);
      // Relative to each row's largest: beside similarities of 1 / temperature a small loss would be lost in rounding.
      const relative = tf.sub(others, tf.max(others, 1, true));
      const exponentials = tf.exp(relative);
      const sums = tf.sum(exponentials, 1, true);
      const own = tf.sum(tf.mul(relative, partners));
      return {
        value: tf.div(tf.sub(tf.sum(tf.log(sums)), own), rows) as Scalar,
        keep: {
          vectors,
          slope: tf.div(tf.sub(tf.div(exponentials, sums), partners), rows * temperature) as Tensor2D,
        },
      };
    },
    backward: (dy, { vectors, slope }) => {
      // A similarity is a product of two rows, and each row stands on both sides.
      const symmetric: Tensor2D = tf.add(slope, tf.transpose(slope));
      return [tf.mul(product(engine, [symmetric, vectors]), dy)];
    },
  });
}

/** [rows, rows]: 1 where the column is the row's partner. */
function partnerMatrix({ tf }: Engine, rows: number): Tensor2D {
  const values = new Float32Array(rows * rows);
  for (let row = 0; row < rows; row += 1) values[row * rows + ((row + rows / 2) % rows)] = 1;
  return tf.tensor2d(values, [rows, rows]);
}
