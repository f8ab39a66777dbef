import type { Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { l2Normalise } from './l2-normalise.ts';

describeOnEachEngine('l2Normalise()', (engine) => {
  test('scales rows to length 1 and leaves a zero row zero', () => {
    const unit = l2Normalise(engine(), engine().tf.tensor2d([3, -4, 0, 0], [2, 2]));
    expect(unit.dataSync()).toBeAllClose([0.6, -0.8, 0, 0], { relative: 1e-6, absolute: 0 });
  });

  test('has the gradient of its differences', () => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (x) => l2Normalise(engine(), x as Tensor2D),
      inputs: [normalTensor(engine(), 'x', [4, 5])],
    });
  });
});
