import type { Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { binaryCrossEntropy } from './binary-cross-entropy.ts';

describeOnEachEngine('binaryCrossEntropy()', (engine) => {
  test('is ln 2 where nothing is known, and the logit itself where a prediction is certain and wrong', () => {
    const { tf } = engine();
    const loss = (logit: number, target: number) =>
      binaryCrossEntropy(engine(), tf.tensor2d([logit], [1, 1]), { targets: tf.tensor2d([target], [1, 1]) });
    expect(loss(0, 1).dataSync()[0]).toBeCloseTo(Math.LN2, 6);
    expect(loss(200, 0).dataSync()[0]).toBe(200);
    expect(loss(-200, 1).dataSync()[0]).toBe(200);
    expect(loss(200, 1).dataSync()[0]).toBe(0);
  });

  test('counts the positives of a label by its weight', () => {
    const { tf } = engine();
    const logits = tf.zeros([2, 2]) as Tensor2D;
    const targets = tf.tensor2d([1, 0, 0, 1], [2, 2]);
    const loss = binaryCrossEntropy(engine(), logits, { targets, positiveWeights: tf.tensor1d([3, 5]) });
    expect(loss.dataSync()[0]).toBeCloseTo(((3 + 1 + 1 + 5) / 4) * Math.LN2, 5);
  });

  test('has the gradient of its differences', () => {
    const { tf } = engine();
    const targets = tf.tensor2d([1, 0, 0.3, 1, 1, 0], [3, 2]);
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (logits) =>
        binaryCrossEntropy(engine(), logits as Tensor2D, { targets, positiveWeights: tf.tensor1d([3, 0.5]) }),
      inputs: [normalTensor(engine(), 'logits', [3, 2])],
    });
  });
});
