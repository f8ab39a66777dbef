import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { columnSums } from './column-sums.ts';
import { differentiable } from './differentiable.ts';
import { product } from './product.ts';
import { addBias, isTensorFlow, matrixProduct } from './tensorflow-operation.ts';
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
  return differentiable(engine, [x, weight, bias], {
    forward: (rows, weights, offsets) => ({
      value: affine(engine, rows, { weights, offsets }),
      keep: { rows, weights },
    }),
    backward: (dy, kept) => [
      product(engine, [dy, kept.weights]),
      weightGradient(engine, { dy, x: kept.rows }),
      columnSums(engine, dy),
    ],
  });
}

/** rows weights^T + offsets; records no gradient. */
function affine(
  engine: Engine,
  rows: Tensor2D,
  { weights, offsets }: { readonly weights: Tensor2D; readonly offsets: Tensor1D },
): Tensor2D {
  const transposes = { transposeA: false, transposeB: true };
  if (multipliesInHeap(engine)) return tensorProduct(engine, [rows, weights], { ...transposes, bias: offsets });
  if (isTensorFlow(engine)) return addBias(engine, matrixProduct(engine, [rows, weights], transposes), offsets);
  return engine.tf.fused.matMul({ a: rows, b: weights, transposeB: true, bias: offsets }) as Tensor2D;
}

/** dy^T x, [out, in]. */
export function weightGradient(engine: Engine, { dy, x }: { dy: Tensor2D; x: Tensor2D }): Tensor2D {
  return product(engine, [dy, x], { transposeA: true });
}
