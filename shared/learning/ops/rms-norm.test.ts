import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { rmsNorm } from './rms-norm.ts';

describeOnEachEngine('rmsNorm()', (engine) => {
  test('brings rows to a mean square of one and scales them', () => {
    const { tf } = engine();
    const x = tf.tensor2d([3, 4, 0.003, -0.004], [2, 2]);
    const y = rmsNorm(engine(), x, { weight: tf.tensor1d([1, 10]), epsilon: 1e-5 });
    const [root, small] = [Math.sqrt(12.5 + 1e-5), Math.sqrt(12.5e-6 + 1e-5)];
    expect(y.dataSync()).toBeAllClose([3 / root, 40 / root, 0.003 / small, -0.04 / small], {
      relative: 1e-6,
      absolute: 0,
    });
  });

  test('has the gradient of its differences', () => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (x, weight) => rmsNorm(engine(), x as Tensor2D, { weight: weight as Tensor1D, epsilon: 1e-5 }),
      inputs: [normalTensor(engine(), 'x', [4, 5]), normalTensor(engine(), 'weight', [5])],
    });
  });
});
