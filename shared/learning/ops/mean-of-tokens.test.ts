import type { Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor, withHabits } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import '../../test/all-close.ts';
import { meanOfTokens } from './mean-of-tokens.ts';

describeOnEachEngine('meanOfTokens()', (engine) => {
  const means = (x: Tensor2D, hostLoops: boolean) =>
    meanOfTokens(withHabits(engine(), { hostLoops }), x, { sequences: 2 });

  test.each([true, false])('leaves the first token of each sequence out (host loops: %s)', (hostLoops) => {
    const x = engine().tf.tensor2d([100, 200, 1, 2, 3, 6, -100, 0, 5, 5, 7, 8], [6, 2]);
    expect(means(x, hostLoops).dataSync()).toBeAllClose([2, 4, 6, 6.5], { relative: 1e-6, absolute: 0 });
  });

  test.each([true, false])('has the gradient of its differences (host loops: %s)', (hostLoops) => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (x) => means(x as Tensor2D, hostLoops),
      inputs: [normalTensor(engine(), 'x', [8, 3])],
    });
  });

  test('refuses sequences without another token', () => {
    expect(() => means(engine().tf.zeros([2, 3]), true)).toThrow('at least 2 tokens');
  });
});
