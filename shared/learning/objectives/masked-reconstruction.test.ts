import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import '../../test/all-close.ts';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { maskedReconstruction } from './masked-reconstruction.ts';

describeOnEachEngine('maskedReconstruction()', (engine) => {
  test('is the mean error of the patches that were removed', () => {
    const { tf } = engine();
    const predicted = tf.tensor3d([1, 3, 9, 9, 9, 9, 2, 2], [2, 2, 2]);
    const target = tf.zeros([2, 2, 2]) as Tensor3D;
    const visible = tf.tensor2d([0, 1, 1, 0], [2, 2]);
    // (1 + 9) / 2 and (4 + 4) / 2
    expect(maskedReconstruction(engine(), { predicted, target }, { visible }).dataSync()[0]).toBe(4.5);
  });

  test('is as exact for a million numbers as for a few', () => {
    const { tf } = engine();
    const predicted = tf.ones([32, 196, 192]) as Tensor3D;
    const target = tf.zeros([32, 196, 192]) as Tensor3D;
    const visible = tf.zeros([32, 196]) as Tensor2D;
    const loss = maskedReconstruction(engine(), { predicted, target }, { visible }).dataSync();
    expect(loss).toBeAllClose([1], { relative: 1e-5, absolute: 0 });
  });

  test('has the gradient of its differences', () => {
    const visible = engine().tf.tensor2d([0, 1, 0, 1, 1, 0], [2, 3]);
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (predicted, target) =>
        maskedReconstruction(engine(), { predicted: predicted as Tensor3D, target: target as Tensor3D }, { visible }),
      inputs: [normalTensor(engine(), 'predicted', [2, 3, 4]), normalTensor(engine(), 'target', [2, 3, 4])],
    });
  });
});
