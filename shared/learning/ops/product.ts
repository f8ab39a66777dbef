/** Matrix products in the form that each engine computes fast. */
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { hostLoop } from './host-loop.ts';

/** Which sides of a product are to be read transposed. */
export interface Transposes {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/** The product of two matrices. */
export function product(
  engine: Engine,
  [a, b]: readonly [Tensor2D, Tensor2D],
  { transposeA = false, transposeB = false }: Transposes = {},
): Tensor2D {
  const { tf, habits } = engine;
  if (habits.transposedProducts) return tf.matMul(a, b, transposeA, transposeB);
  return tf.tidy(() => tf.matMul(transposeA ? tf.transpose(a) : a, transposeB ? tf.transpose(b) : b));
}

/** The products of matching matrices of two stacks, [g, ...] and [g, ...]. */
export function stackedProduct(
  engine: Engine,
  [a, b]: readonly [Tensor3D, Tensor3D],
  { transposeA = false, transposeB = false }: Transposes = {},
): Tensor3D {
  const { tf, habits } = engine;
  if (habits.batchedProducts) return tf.matMul(a, b, transposeA, transposeB);
  return tf.tidy(() => {
    const left = unstack(engine, transposeA ? tf.transpose(a, [0, 2, 1]) : a);
    const right = unstack(engine, transposeB ? tf.transpose(b, [0, 2, 1]) : b);
    const products = left.map((matrix, index) => tf.matMul(matrix, right[index]!));
    const [rows, columns] = [left[0]!.shape[0], right[0]!.shape[1]];
    return tf.reshape(tf.concat(products, 0), [products.length, rows, columns]);
  });
}

/** The matrices of a stack [g, rows, columns]. The engine's own kernel copies the whole stack once for each of them. */
function unstack(engine: Engine, stack: Tensor3D): Tensor2D[] {
  const [count, rows, columns] = stack.shape;
  const size = rows * columns;
  return hostLoop(engine, [stack], {
    shapes: Array.from({ length: count }, () => [rows, columns]),
    loop: ([values], matrices) => {
      matrices.forEach((matrix, index) => {
        matrix.set(values!.subarray(index * size, (index + 1) * size));
      });
    },
  }) as Tensor2D[];
}
