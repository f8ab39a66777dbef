import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { columnSums } from './column-sums.ts';
import { differentiable } from './differentiable.ts';
import { product } from './product.ts';

/**
 * PyTorch's Linear: x [rows, in], weight [out, in], bias [out] -> x weight^T + bias [rows, out].
 *
 * Carries its own gradient: TensorFlow.js would multiply transposed matrices, which is slow on WebAssembly.
 */
export function linear(
  engine: Engine,
  x: Tensor2D,
  { weight, bias }: { readonly weight: Tensor2D; readonly bias: Tensor1D },
): Tensor2D {
  const { tf, habits } = engine;
  return differentiable(engine, [x, weight, bias], {
    forward: (rows, weights, offsets) => ({
      // The WebAssembly kernel adds a wrong bias to a transposed product; it never sees one.
      value: tf.fused.matMul({
        a: rows,
        b: habits.transposedProducts ? weights : tf.transpose(weights),
        transposeB: habits.transposedProducts,
        bias: offsets,
      }) as Tensor2D,
      keep: { rows, weights },
    }),
    backward: (dy, kept) => [
      product(engine, [dy, kept.weights]),
      weightGradient(engine, { dy, x: kept.rows }),
      columnSums(engine, dy),
    ],
  });
}

/** dy^T x, [out, in], transposing the narrower of the two where an engine must transpose. */
export function weightGradient(engine: Engine, { dy, x }: { dy: Tensor2D; x: Tensor2D }): Tensor2D {
  const { tf, habits } = engine;
  if (habits.transposedProducts || dy.shape[1] <= x.shape[1]) return product(engine, [dy, x], { transposeA: true });
  return tf.transpose(product(engine, [x, dy], { transposeA: true }));
}
