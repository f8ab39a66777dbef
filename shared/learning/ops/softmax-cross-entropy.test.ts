import type { Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { softmaxCrossEntropy } from './softmax-cross-entropy.ts';

describeOnEachEngine('softmaxCrossEntropy()', (engine) => {
  test('is the log of the number of classes when all logits are equal', () => {
    const { tf } = engine();
    const targets = tf.tensor2d([1, 0, 0, 0, 0, 0.5, 0.5, 0], [2, 4]);
    const loss = softmaxCrossEntropy(engine(), tf.fill([2, 4], 3) as Tensor2D, { targets });
    expect(loss.dataSync()[0]).toBeCloseTo(Math.log(4), 6);
  });

  test('stays finite for logits that would overflow', () => {
    const { tf } = engine();
    const targets = tf.tensor2d([0, 1], [1, 2]);
    const loss = softmaxCrossEntropy(engine(), tf.tensor2d([500, 0], [1, 2]), { targets });
    expect(loss.dataSync()[0]).toBe(500);
  });

  test('has the gradient of its differences', () => {
    const targets = engine().tf.softmax(normalTensor<Tensor2D>(engine(), 'targets', [3, 5]));
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (logits) => softmaxCrossEntropy(engine(), logits as Tensor2D, { targets }),
      inputs: [normalTensor(engine(), 'logits', [3, 5])],
    });
  });
});
