import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { columnSums } from './column-sums.ts';
import { differentiable } from './differentiable.ts';
import { product } from './product.ts';
import { multipliesInHeap } from './wasm-product/heap-products.ts';
import { tensorProduct } from './wasm-product/tensor-product.ts';

/**
 * PyTorch's Linear: x [rows, in], weight [out, in], bias [out] -> x weight^T + bias [rows, out].
 *
 * Carries its own gradient: TensorFlow.js would keep more, and none is registered for its products.
 */
export function linear(
  engine: Engine,
  x: Tensor2D,
  { weight, bias }: { readonly weight: Tensor2D; readonly bias: Tensor1D },
): Tensor2D {
  const { tf } = engine;
  return differentiable(engine, [x, weight, bias], {
    forward: (rows, weights, offsets) => ({
      value: multipliesInHeap(engine)
        ? tensorProduct(engine, [rows, weights], { transposeA: false, transposeB: true, bias: offsets })
        : (tf.fused.matMul({ a: rows, b: weights, transposeB: true, bias: offsets }) as Tensor2D),
      keep: { rows, weights },
    }),
    backward: (dy, kept) => [
      product(engine, [dy, kept.weights]),
      weightGradient(engine, { dy, x: kept.rows }),
      columnSums(engine, dy),
    ],
  });
}

/** dy^T x, [out, in]. */
export function weightGradient(engine: Engine, { dy, x }: { dy: Tensor2D; x: Tensor2D }): Tensor2D {
  return product(engine, [dy, x], { transposeA: true });
}
