import { expect, test } from 'vitest';
import { describeOnEachEngine, withHabits } from '../../test/each-engine.ts';
import { columnSums } from './column-sums.ts';

describeOnEachEngine('columnSums()', (engine) => {
  test.each([true, false])('adds the rows (in a loop: %s)', (hostLoops) => {
    const x = engine().tf.tensor2d([1, 2, 3, 10, 20, 30], [2, 3]);
    expect(columnSums(withHabits(engine(), { hostLoops }), x).dataSync()).toEqual(Float32Array.of(11, 22, 33));
  });
});
