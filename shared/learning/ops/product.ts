import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';

/** Which sides of a product are to be read transposed. */
export interface Transposes {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/** The product of two matrices, in the form that the engine computes fast. */
export function product(
  engine: Engine,
  [a, b]: readonly [Tensor2D, Tensor2D],
  { transposeA = false, transposeB = false }: Transposes = {},
): Tensor2D {
  const { tf, habits } = engine;
  if (habits.transposedProducts) return tf.matMul(a, b, transposeA, transposeB);
  return tf.tidy(() => tf.matMul(transposeA ? tf.transpose(a) : a, transposeB ? tf.transpose(b) : b));
}
