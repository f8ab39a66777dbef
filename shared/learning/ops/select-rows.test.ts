import type { Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { selectRows } from './select-rows.ts';

describeOnEachEngine('selectRows()', (engine) => {
  test('takes rows in the order asked for', () => {
    const x = engine().tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    expect([...selectRows(engine(), x, [2, 0, 2]).dataSync()]).toEqual([5, 6, 1, 2, 5, 6]);
  });

  test('has the gradient of its differences, also for rows used twice or never', () => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (x) => selectRows(engine(), x as Tensor2D, [3, 1, 3]),
      inputs: [normalTensor(engine(), 'x', [4, 3])],
    });
  });
});
