import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from './differentiable.ts';

/**
 * Matrices on the diagonal of one, [count, rows, columns] -> [count * rows, count * columns], zeros elsewhere: groups of
 * columns that each have their own Linear pass through one product. For groups so narrow that taking them apart would cost
 * more than multiplying by the zeros.
 */
export function blockDiagonal(engine: Engine, blocks: Tensor3D): Tensor2D {
  const { tf } = engine;
  const [count, rows, columns] = blocks.shape;
  return differentiable(engine, [blocks], {
    forward: (all) => {
      const wide = tf.unstack(all).map((block, index) =>
        tf.pad(block, [
          [0, 0],
          [index * columns, (count - 1 - index) * columns],
        ]),
      );
      return { value: tf.concat(wide, 0) as Tensor2D, keep: {} };
    },
    backward: (dy) => [
      tf.stack(
        Array.from({ length: count }, (_, index) => tf.slice(dy, [index * rows, index * columns], [rows, columns])),
      ),
    ],
  });
}
