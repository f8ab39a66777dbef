import type { Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { batchStandardise } from './batch-standardise.ts';

describeOnEachEngine('batchStandardise()', (engine) => {
  test('brings columns to mean 0 and deviation 1 and a constant column to 0', () => {
    const standard = batchStandardise(engine(), engine().tf.tensor2d([1, 7, 3, 7, 5, 7, 7, 7], [4, 2]));
    const steps = [-3, -1, 1, 3].flatMap((step) => [step / Math.sqrt(5), 0]);
    // The 1e-5 under the root takes 1e-6 of a variance of 5.
    expect(standard.dataSync()).toBeAllClose(steps, { relative: 1e-5, absolute: 0 });
  });

  test('has the gradient of its differences', () => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (x) => batchStandardise(engine(), x as Tensor2D),
      inputs: [normalTensor(engine(), 'x', [5, 4])],
    });
  });
});
