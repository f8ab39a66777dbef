import type { Tensor3D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { blockDiagonal } from './block-diagonal.ts';

describeOnEachEngine('blockDiagonal()', (engine) => {
  test('puts matrices on the diagonal', () => {
    const blocks: Tensor3D = engine().tf.tensor3d([1, 2, 3, 4], [2, 1, 2]);
    expect(blockDiagonal(engine(), blocks).arraySync()).toEqual([
      [1, 2, 0, 0],
      [0, 0, 3, 4],
    ]);
  });

  test('has the gradient of its differences', () => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (blocks) => blockDiagonal(engine(), blocks as Tensor3D),
      inputs: [normalTensor(engine(), 'blocks', [3, 2, 4])],
    });
  });
});
