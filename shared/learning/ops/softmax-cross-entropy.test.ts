import type { Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { OUT_OF_REACH, softmaxCrossEntropy } from './softmax-cross-entropy.ts';

describeOnEachEngine('softmaxCrossEntropy()', (engine) => {
  test('is the log of the number of classes when all logits are equal, and zero for a row without targets', () => {
    const { tf } = engine();
    const targets = tf.tensor2d([1, 0, 0, 0, 0, 0.5, 0.5, 0, 0, 0, 0, 0], [3, 4]);
    const losses = softmaxCrossEntropy(engine(), tf.fill([3, 4], 3) as Tensor2D, { targets });
    expect(losses.dataSync()).toBeAllClose([Math.log(4), Math.log(4), 0], { relative: 1e-6, absolute: 0 });
  });

  test('stays finite for logits that would overflow', () => {
    const { tf } = engine();
    const targets = tf.tensor2d([0, 1], [1, 2]);
    const losses = softmaxCrossEntropy(engine(), tf.tensor2d([5000, 0], [1, 2]), { targets });
    expect(losses.dataSync()[0]).toBe(5000);
  });

  test('leaves classes out of reach out of the softmax', () => {
    const { tf } = engine();
    const targets = tf.tensor2d([1, 0, 0], [1, 3]);
    const logits = tf.tensor2d([1, 1, 1000 - OUT_OF_REACH], [1, 3]);
    expect(softmaxCrossEntropy(engine(), logits, { targets }).dataSync()[0]).toBeCloseTo(Math.log(2), 6);
  });

  test('has the gradient of its differences, also for targets that do not sum to 1', () => {
    const targets = engine().tf.abs(normalTensor<Tensor2D>(engine(), 'targets', [3, 5]));
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (logits) => softmaxCrossEntropy(engine(), logits as Tensor2D, { targets }),
      inputs: [normalTensor(engine(), 'logits', [3, 5])],
    });
  });
});
