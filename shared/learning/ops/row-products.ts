import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from './differentiable.ts';
import { product, type Transposes } from './product.ts';
import { stackedProduct } from './stacked-product.ts';

/**
 * The inner products of all rows of `a` with all rows of `b`: [n, width] and [m, width] -> [n, m], or the same for each
 * pair of matrices of two stacks, [count, n, width] and [count, m, width] -> [count, n, m].
 */
export function rowProducts<T extends Tensor2D | Tensor3D>(engine: Engine, pair: readonly [T, T]): T {
  return differentiable(engine, pair, {
    forward: (a, b) => ({ value: multiply(engine, [a, b], { transposeB: true }), keep: { a, b } }),
    backward: (dy, { a, b }) => [multiply(engine, [dy, b]), multiply(engine, [dy, a], { transposeA: true })],
  });
}

function multiply<T extends Tensor2D | Tensor3D>(engine: Engine, [a, b]: readonly [T, T], transposes?: Transposes): T {
  if (a.rank === 2) return product(engine, [a as Tensor2D, b as Tensor2D], transposes) as T;
  return stackedProduct(engine, [a as Tensor3D, b as Tensor3D], transposes) as T;
}
