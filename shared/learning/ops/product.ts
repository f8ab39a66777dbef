import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { multipliesInHeap } from './wasm-product/heap-products.ts';
import { tensorProduct } from './wasm-product/tensor-product.ts';

/** Which sides of a product are to be read transposed. */
export interface Transposes {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/** The product of two matrices, in the form that the engine computes fast. Records no gradient on WebAssembly. */
export function product(
  engine: Engine,
  [a, b]: readonly [Tensor2D, Tensor2D],
  { transposeA = false, transposeB = false }: Transposes = {},
): Tensor2D {
  return multipliesInHeap(engine)
    ? tensorProduct(engine, [a, b], { transposeA, transposeB })
    : engine.tf.matMul(a, b, transposeA, transposeB);
}
