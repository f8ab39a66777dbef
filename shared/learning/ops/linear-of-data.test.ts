import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { linearOfData } from './linear-of-data.ts';

describeOnEachEngine('linearOfData()', (engine) => {
  test('multiplies by the transposed weight and adds the bias', () => {
    const { tf } = engine();
    const weight = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    const y = linearOfData(engine(), tf.tensor2d([10, 1], [1, 2]), { weight, bias: tf.tensor1d([0.5, 0, -0.5]) });
    expect(y.dataSync()).toEqual(Float32Array.of(12.5, 34, 55.5));
  });

  test('has the gradient of its differences in weight and bias', () => {
    const x = normalTensor<Tensor2D>(engine(), 'x', [5, 4]);
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (weight, bias) => linearOfData(engine(), x, { weight: weight as Tensor2D, bias: bias as Tensor1D }),
      inputs: [normalTensor(engine(), 'weight', [3, 4]), normalTensor(engine(), 'bias', [3])],
    });
  });
});
