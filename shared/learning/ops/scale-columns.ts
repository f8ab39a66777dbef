import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { columnSums } from './column-sums.ts';
import { differentiable } from './differentiable.ts';

/** x scale + shift, column by column: x [rows, width], scale and shift [width]. */
export function scaleColumns(
  engine: Engine,
  x: Tensor2D,
  { scale, shift }: { readonly scale: Tensor1D; readonly shift: Tensor1D },
): Tensor2D {
  const { tf } = engine;
  return differentiable(engine, [x, scale, shift], {
    forward: (rows, factors, offsets) => ({
      value: tf.add(tf.mul(rows, factors), offsets) as Tensor2D,
      keep: { rows, factors },
    }),
    backward: (dy, { rows, factors }) => [
      tf.mul(dy, factors),
      columnSums(engine, tf.mul(dy, rows)),
      columnSums(engine, dy),
    ],
  });
}
