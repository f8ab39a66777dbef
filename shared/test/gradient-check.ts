import type { Tensor } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import type { Engine } from '../learning/engine/open-engine.ts';
import { createRandom } from '../random/seeded-random.ts';
import type { Tolerance } from './all-close.ts';
import './all-close.ts';

/**
 * Expects the gradients of sum(cotangent * evaluate(inputs)) for a random cotangent to agree with central differences.
 * The sums of the differences are taken in float64, so that only the rounding inside `evaluate` remains.
 */
export function expectGradientsToMatchDifferences(
  { tf }: Engine,
  {
    evaluate,
    inputs,
    step = 1e-2,
    tolerance = { relative: 2e-3, absolute: 1e-4 },
  }: {
    evaluate: (...inputs: Tensor[]) => Tensor;
    inputs: readonly Tensor[];
    step?: number;
    tolerance?: Tolerance;
  },
): void {
  const random = createRandom('gradient check');
  const output = evaluate(...inputs);
  const cotangent = Float32Array.from(output.dataSync(), () => random.normal());
  const gradients = tf.grads((...tensors: Tensor[]) => evaluate(...tensors))(
    [...inputs],
    tf.tensor(cotangent, output.shape),
  );
  inputs.forEach((input, index) => {
    const values = input.dataSync<'float32'>();
    const sumWith = (at: number, value: number) =>
      tf.tidy(() => {
        const moved = tf.tensor(values.with(at, value), input.shape);
        const y = evaluate(...inputs.with(index, moved)).dataSync<'float32'>();
        return { sum: y.reduce((sum, number, row) => sum + number * cotangent[row]!, 0) };
      }).sum;
    const differences = values.map((value, at) => {
      const [upper, lower] = [Math.fround(value + step), Math.fround(value - step)];
      return (sumWith(at, upper) - sumWith(at, lower)) / (upper - lower);
    });
    expect(gradients[index]!.dataSync(), `the gradient of input ${index}`).toBeAllClose(differences, tolerance);
  });
}
