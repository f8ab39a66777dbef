import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor, withHabits } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { linear } from './linear.ts';

describeOnEachEngine('linear()', (engine) => {
  test('multiplies by the transposed weight and adds the bias', () => {
    const { tf } = engine();
    const weight = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    const y = linear(engine(), tf.tensor2d([10, 1], [1, 2]), { weight, bias: tf.tensor1d([0.5, 0, -0.5]) });
    expect(y.dataSync()).toEqual(Float32Array.of(12.5, 34, 55.5));
  });

  test.each([
    { inputs: 7, outputs: 3 },
    { inputs: 3, outputs: 7 },
  ])('has the gradient of its differences with %o', ({ inputs, outputs }) => {
    // WebAssembly's kernel is wrong for transposed products with a bias, so that path is tested on the other engine.
    for (const transposedProducts of engine().kind === 'wasm' ? [false] : [true, false]) {
      expectGradientsToMatchDifferences(engine(), {
        evaluate: (x, weight, bias) =>
          linear(withHabits(engine(), { transposedProducts }), x as Tensor2D, {
            weight: weight as Tensor2D,
            bias: bias as Tensor1D,
          }),
        inputs: [
          normalTensor(engine(), 'x', [5, inputs]),
          normalTensor(engine(), 'weight', [outputs, inputs]),
          normalTensor(engine(), 'bias', [outputs]),
        ],
      });
    }
  });
});
