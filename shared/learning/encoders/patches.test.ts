import type { Tensor4D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { patches } from './patches.ts';

describeOnEachEngine('patches()', (engine) => {
  test('cuts row by row, and each patch row by row', () => {
    const image = engine().tf.tensor4d(
      [
        [0, 1, 10, 11, 20, 21],
        [2, 3, 12, 13, 22, 23],
        [30, 31, 40, 41, 50, 51],
        [32, 33, 42, 43, 52, 53],
      ].flat(),
      [1, 1, 4, 6],
    );
    const cut = patches(engine(), image, { patchSizePixels: 2 });
    expect(cut.shape).toEqual([6, 4]);
    const tens = [0, 10, 20, 30, 40, 50];
    expect([...cut.dataSync()]).toEqual(tens.flatMap((ten) => [ten, ten + 1, ten + 2, ten + 3]));
  });

  test('puts channels first or last within a patch', () => {
    // Two images of two channels and one patch each.
    const images = engine().tf.tensor4d([1, 2, 3, 4, -1, -2, -3, -4, 5, 6, 7, 8, -5, -6, -7, -8], [2, 2, 2, 2]);
    const cut = (order: 'channels-first' | 'channels-last') =>
      patches(engine(), images, { patchSizePixels: 2, order }).arraySync();
    expect(cut('channels-first')).toEqual([
      [1, 2, 3, 4, -1, -2, -3, -4],
      [5, 6, 7, 8, -5, -6, -7, -8],
    ]);
    expect(cut('channels-last')).toEqual([
      [1, -1, 2, -2, 3, -3, 4, -4],
      [5, -5, 6, -6, 7, -7, 8, -8],
    ]);
  });

  test.each(['channels-first', 'channels-last'] as const)('has the gradient of its differences, %s', (order) => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (images) => patches(engine(), images as Tensor4D, { patchSizePixels: 2, order }),
      inputs: [normalTensor(engine(), 'images', [2, 3, 4, 6])],
    });
  });

  test('refuses an image that is not whole patches', () => {
    expect(() => patches(engine(), engine().tf.zeros([1, 1, 4, 5]), { patchSizePixels: 2 })).toThrow(
      'Cannot cut images of 4 x 5 pixels into patches of 2 pixels a side',
    );
  });
});
