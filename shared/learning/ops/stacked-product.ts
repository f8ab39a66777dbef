import type { Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import type { Transposes } from './product.ts';
import { stackedTensorProduct } from './wasm-product/tensor-product.ts';

/**
 * The products of matching matrices of two stacks [count, ...], in the form that the engine computes fast. Records no
 * gradient, so it belongs inside ops that carry their own.
 */
export function stackedProduct(
  engine: Engine,
  [a, b]: readonly [Tensor3D, Tensor3D],
  { transposeA = false, transposeB = false }: Transposes = {},
): Tensor3D {
  return engine.kind === 'wasm' && !engine.habits.batchedProducts
    ? stackedTensorProduct(engine, [a, b], { transposeA, transposeB })
    : engine.tf.matMul(a, b, transposeA, transposeB);
}
