import type { Tensor4D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../../test/gradient-check.ts';
import { volumePatches } from './volume-patches.ts';

describeOnEachEngine('volumePatches()', (engine) => {
  test('orders patches and their voxels by depth, row and column', () => {
    const { tf } = engine();
    // Each voxel is its own index: 2 volumes of 2 x 2 x 4 voxels.
    const volumes: Tensor4D = tf.reshape(tf.range(0, 32), [2, 2, 2, 4]);
    expect(volumePatches(engine(), volumes, [2, 1, 2]).arraySync()).toEqual([
      [0, 1, 8, 9],
      [2, 3, 10, 11],
      [4, 5, 12, 13],
      [6, 7, 14, 15],
      [16, 17, 24, 25],
      [18, 19, 26, 27],
      [20, 21, 28, 29],
      [22, 23, 30, 31],
    ]);
  });

  test('has the gradient of its differences', () => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (volumes) => volumePatches(engine(), volumes as Tensor4D, [1, 2, 3]),
      inputs: [normalTensor(engine(), 'volumes', [1, 2, 4, 3])],
    });
  });

  test('refuses volumes that patches do not fill', () => {
    const volumes: Tensor4D = engine().tf.zeros([1, 4, 4, 5]);
    expect(() => volumePatches(engine(), volumes, [2, 2, 2])).toThrow('4 x 4 x 5 voxels into patches of 2 x 2 x 2');
  });
});
