import type { Tensor1D } from '@tensorflow/tfjs-core';
import type { ParameterLayout } from '../../tensors/layout.ts';
import type { Engine } from '../engine/open-engine.ts';
import { hostLoop } from '../ops/host-loop.ts';
import { sumOfSquares } from '../ops/l2-norm.ts';

/** The L2 norm of each tensor of a flat vector, [tensors]. */
export function tensorNorms(engine: Engine, layout: ParameterLayout, flat: Tensor1D): Tensor1D {
  const { tf, habits } = engine;
  const { tensors } = layout;
  if (habits.hostLoops) {
    const [norms] = hostLoop(engine, [flat], {
      shapes: [[tensors.length]],
      loop: ([values], [result]) => {
        for (const [index, { offset, size }] of tensors.entries()) {
          result![index] = Math.sqrt(sumOfSquares(values!.subarray(offset, offset + size)));
        }
      },
    });
    return norms as Tensor1D;
  }
  return tf.tidy(() => {
    const parts = tf.split(
      tf.square(flat),
      tensors.map(({ size }) => size),
    );
    return tf.sqrt(tf.stack(parts.map((part) => tf.sum(part)))) as Tensor1D;
  });
}
