import type { Tensor4D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor, withHabits } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { maxPool } from './max-pool.ts';

const window = { size: 3, stride: 2, padding: 1 };

describeOnEachEngine('maxPool()', (engine) => {
  test.each([true, false])('takes the largest of each window and never the padding (host loops: %s)', (hostLoops) => {
    const x = engine().tf.tensor4d([-1, -2, -3, -4, -5, -6, -7, -8, -9, -10, -11, -12], [1, 4, 3, 1]);
    const y = maxPool(withHabits(engine(), { hostLoops }), x, window);
    expect(y.shape).toEqual([1, 2, 2, 1]);
    expect([...y.dataSync()]).toEqual([-1, -2, -4, -5]);
  });

  test.each([true, false])('has the gradient of its differences (host loops: %s)', (hostLoops) => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (x) => maxPool(withHabits(engine(), { hostLoops }), x as Tensor4D, window),
      inputs: [normalTensor(engine(), 'x', [2, 5, 4, 3])],
      step: 1e-3,
    });
  });

  test('sends the gradient of equal numbers to the first', () => {
    const { tf } = engine();
    const gradient = tf.grad((x) => maxPool(engine(), x as Tensor4D, { size: 2, stride: 2, padding: 0 }));
    expect([...gradient(tf.zeros([1, 2, 2, 1])).dataSync()]).toEqual([1, 0, 0, 0]);
  });
});
