import type { Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { addPositions } from './add-positions.ts';

describeOnEachEngine('addPositions()', (engine) => {
  test('adds the first rows of the table to each sequence', () => {
    const { tf } = engine();
    const x = tf.tensor2d([1, 2, 3, 4], [4, 1]);
    const y = addPositions(engine(), x, { table: tf.tensor2d([10, 20, 30], [3, 1]), sequences: 2 });
    expect([...y.dataSync()]).toEqual([11, 22, 13, 24]);
  });

  test('has the gradient of its differences, also for positions beyond the sequences', () => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (x, table) => addPositions(engine(), x as Tensor2D, { table: table as Tensor2D, sequences: 3 }),
      inputs: [normalTensor(engine(), 'x', [6, 2]), normalTensor(engine(), 'table', [4, 2])],
    });
  });

  test('refuses sequences longer than the table', () => {
    const table = normalTensor<Tensor2D>(engine(), 'table', [2, 2]);
    const x = normalTensor<Tensor2D>(engine(), 'x', [6, 2]);
    expect(() => addPositions(engine(), x, { table, sequences: 2 })).toThrow(/at most 2 tokens/);
  });
});
