import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Interpolation } from '../../imaging/interpolation.ts';
import type { Engine } from '../engine/open-engine.ts';
import { product } from '../ops/product.ts';

/**
 * Resamples images [n, height, width] down the rows and across the columns: two products, whatever the interpolation.
 * No gradient is meant to pass.
 */
export function resampleImages(
  engine: Engine,
  images: Tensor3D,
  { rows, columns }: { readonly rows: Interpolation; readonly columns: Interpolation },
): Tensor3D {
  const { tf } = engine;
  /** [n, a, from] -> [n, a, to] */
  const alongLast = (x: Tensor3D, interpolation: Interpolation): Tensor3D => {
    const [count, lines, from] = x.shape;
    const flat: Tensor2D = tf.reshape(x, [count * lines, from]);
    const resampled = product(engine, [flat, matrixOf(engine, interpolation)]);
    return tf.reshape(resampled, [count, lines, interpolation.taps.length]);
  };
  const turned = (x: Tensor3D): Tensor3D => tf.transpose(x, [0, 2, 1]);
  return tf.tidy(() => turned(alongLast(turned(alongLast(images, columns)), rows)));
}

/** [from, to]: what a row of old samples is multiplied by. */
function matrixOf({ tf }: Engine, { from, taps }: Interpolation): Tensor2D {
  const matrix = new Float32Array(from * taps.length);
  taps.forEach(({ first, weights }, column) => {
    weights.forEach((weight, offset) => {
      matrix[(first + offset) * taps.length + column] = weight;
    });
  });
  return tf.tensor2d(matrix, [from, taps.length]);
}
