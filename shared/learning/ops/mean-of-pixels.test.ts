import type { Tensor4D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { meanOfPixels } from './mean-of-pixels.ts';

describeOnEachEngine('meanOfPixels()', (engine) => {
  test('is the mean of each image’s channel and has the gradient of its differences', () => {
    const x = engine().tf.tensor4d([1, 10, 2, 20, 6, 60], [1, 3, 1, 2]);
    expect([...meanOfPixels(engine(), x).dataSync()]).toEqual([3, 30]);
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (map) => meanOfPixels(engine(), map as Tensor4D),
      inputs: [normalTensor(engine(), 'x', [2, 3, 2, 4])],
    });
  });
});
