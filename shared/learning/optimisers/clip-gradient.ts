import type { Scalar, Tensor1D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { hostLoop } from '../ops/host-loop.ts';

/** Keeps the scale finite for a gradient of zero (PyTorch's `clip_grad_norm_`). */
const smallestNorm = 1e-6;

/** The gradient scaled down to the L2 norm `clipNorm` if it is longer. */
export function clipGradient(engine: Engine, gradient: Tensor1D, clipNorm: number): Tensor1D {
  const { tf } = engine;
  return tf.tidy(() => {
    const scale = tf.minimum(tf.div(clipNorm, tf.add(l2Norm(engine, gradient), smallestNorm)), 1);
    return tf.mul(gradient, scale);
  });
}

/** Summed in float64 where the engine would add millions of squares into one float32. */
function l2Norm(engine: Engine, x: Tensor1D): Scalar {
  if (!engine.habits.hostLoops) return engine.tf.norm(x) as Scalar;
  const [norm] = hostLoop(engine, [x], {
    shapes: [[]],
    loop: ([values], [result]) => {
      result![0] = Math.sqrt(sumOfSquares(values!));
    },
  });
  return norm as Scalar;
}

/** An iterator over the millions of numbers would take four times as long. */
function sumOfSquares(values: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) sum += values[index]! * values[index]!;
  return sum;
}
