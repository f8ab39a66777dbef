import type { Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor, withHabits } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { embedding } from './embedding.ts';

describeOnEachEngine('embedding()', (engine) => {
  const table = () => normalTensor<Tensor2D>(engine(), 'table', [5, 3]);

  test('reads the rows in the order of the ids, the padding row like any other', () => {
    const x = engine().tf.tensor2d([0.5, 1, 2, 3, 4, 5], [3, 2]);
    const y = embedding(engine(), x, { ids: Int32Array.of(2, 0, 2), paddingId: 0 });
    expect([...y.dataSync()]).toEqual([4, 5, 0.5, 1, 4, 5]);
  });

  test.each([
    true,
    false,
  ])('has the gradient of its differences, also for rows used often or never (host loops: %s)', (hostLoops) => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (x) =>
        embedding(withHabits(engine(), { hostLoops }), x as Tensor2D, { ids: Int32Array.of(3, 1, 3, 4, 3) }),
      inputs: [table()],
    });
  });

  test.each([true, false])('gives the padding row no gradient (host loops: %s)', (hostLoops) => {
    const { tf } = engine();
    const [gradient] = tf.grads((x) =>
      embedding(withHabits(engine(), { hostLoops }), x as Tensor2D, { ids: Int32Array.of(2, 1, 2, 0), paddingId: 2 }),
    )([table()], tf.ones([4, 3]));
    expect(gradient!.arraySync()).toEqual([
      [1, 1, 1],
      [1, 1, 1],
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });

  test.each([-1, 5])('refuses the id %i of a table with five rows', (id) => {
    expect(() => embedding(engine(), table(), { ids: Int32Array.of(0, id) })).toThrow(RangeError);
  });
});
