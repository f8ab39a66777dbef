import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { columnSums } from './column-sums.ts';
import { differentiable } from './differentiable.ts';
import { weightGradient } from './linear.ts';
import { product } from './product.ts';

/**
 * A Linear whose input is data: no gradient reaches x, which saves a third of the layer's work. x [rows, in], weight
 * [out, in], bias [out] -> [rows, out].
 */
export function linearOfData(
  engine: Engine,
  x: Tensor2D,
  { weight, bias }: { readonly weight: Tensor2D; readonly bias: Tensor1D },
): Tensor2D {
  const { tf } = engine;
  return differentiable(engine, [weight, bias], {
    forward: (weights, offsets) => ({
      value: tf.add(product(engine, [x, weights], { transposeB: true }), offsets) as Tensor2D,
      keep: { rows: x },
    }),
    backward: (dy, { rows }) => [weightGradient(engine, { dy, x: rows }), columnSums(engine, dy)],
  });
}
