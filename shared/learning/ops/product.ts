import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { isTensorFlow, matrixProduct } from './tensorflow-operation.ts';
import { multipliesInHeap } from './wasm-product/heap-products.ts';
import { tensorProduct } from './wasm-product/tensor-product.ts';

/** Which sides of a product are to be read transposed. */
export interface Transposes {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/** The product of two matrices, in the form that the engine computes fast. Records no gradient. */
export function product(
  engine: Engine,
  [a, b]: readonly [Tensor2D, Tensor2D],
  { transposeA = false, transposeB = false }: Transposes = {},
): Tensor2D {
  const transposes = { transposeA, transposeB };
  if (multipliesInHeap(engine)) return tensorProduct(engine, [a, b], transposes);
  if (isTensorFlow(engine)) return matrixProduct(engine, [a, b], transposes);
  return engine.tf.matMul(a, b, transposeA, transposeB);
}
