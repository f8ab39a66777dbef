import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { hostLoop } from './host-loop.ts';
import { biasGradient, isTensorFlow } from './tensorflow-operation.ts';

/** The sum of each column, [rows, columns] -> [columns]: the gradient of a row that was added to every row. */
export function columnSums(engine: Engine, x: Tensor2D): Tensor1D {
  if (isTensorFlow(engine)) return biasGradient(engine, x);
  if (!engine.habits.hostLoops) return engine.tf.sum(x, 0);
  const columns = x.shape[1];
  const [sums] = hostLoop(engine, [x], {
    shapes: [[columns]],
    loop: ([values], [result]) => addRows(values!, result!),
  });
  return sums as Tensor1D;
}

/** WebAssembly's kernel sums along the slow axis twenty times slower. */
function addRows(values: Float32Array, sums: Float32Array): void {
  const columns = sums.length;
  // Added up in float64, and rounded once.
  const exact = new Float64Array(columns);
  for (let start = 0; start < values.length; start += columns) {
    for (let column = 0; column < columns; column += 1) exact[column]! += values[start + column]!;
  }
  sums.set(exact);
}
