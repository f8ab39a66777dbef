import type { Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor, withHabits } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { selectRows } from './select-rows.ts';

describeOnEachEngine('selectRows()', (engine) => {
  test('takes rows in the order asked for', () => {
    const x = engine().tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    expect([...selectRows(engine(), x, { indices: [2, 0, 2] }).dataSync()]).toEqual([5, 6, 1, 2, 5, 6]);
  });

  test.each([
    true,
    false,
  ])('has the gradient of its differences, also for rows used twice or never (host loops: %s)', (hostLoops) => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (x) => selectRows(withHabits(engine(), { hostLoops }), x as Tensor2D, { indices: [3, 1, 3] }),
      inputs: [normalTensor(engine(), 'x', [4, 3])],
    });
  });

  test.each([-1, 4])('refuses the row %i of four', (index) => {
    const x = normalTensor<Tensor2D>(engine(), 'x', [4, 3]);
    expect(() => selectRows(engine(), x, { indices: [0, index] })).toThrow('indices must be from 0 to 3');
  });
});
