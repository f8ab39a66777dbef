import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { rowProducts } from './row-products.ts';

describeOnEachEngine('rowProducts()', (engine) => {
  test('multiplies each row of the first with each row of the second', () => {
    const { tf } = engine();
    const a = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    const b = tf.tensor2d([1, 0, 0, 1, 1, 1], [3, 2]);
    expect(rowProducts(engine(), [a, b]).arraySync()).toEqual([
      [1, 2, 3],
      [3, 4, 7],
    ]);
  });

  test('does so within each pair of a stack', () => {
    const { tf } = engine();
    const a = tf.tensor3d([1, 2, 3, 4], [2, 1, 2]);
    const b = tf.tensor3d([1, 1, 2, 2], [2, 1, 2]);
    expect(rowProducts(engine(), [a, b]).arraySync()).toEqual([[[3]], [[14]]]);
  });

  test.each([
    [
      [3, 4],
      [5, 4],
    ],
    [
      [2, 3, 4],
      [2, 5, 4],
    ],
  ])('has the gradient of its differences for %j and %j', (first, second) => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (a, b) => rowProducts<Tensor2D | Tensor3D>(engine(), [a as Tensor2D, b as Tensor2D]),
      inputs: [normalTensor(engine(), 'a', first), normalTensor(engine(), 'b', second)],
    });
  });
});
