import type { Scalar, Tensor1D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { hostLoop } from './host-loop.ts';
import { fusedOperation, hasFusedOperations } from './tensorflow-operation.ts';

/** The length of a vector, summed in float64 where the engine would add millions of squares into one float32. */
export function l2Norm(engine: Engine, x: Tensor1D): Scalar {
  if (hasFusedOperations(engine)) return fusedOperation(engine, 'L2Norm', [x])[0] as Scalar;
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
export function sumOfSquares(values: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) sum += values[index]! * values[index]!;
  return sum;
}
