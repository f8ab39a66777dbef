import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor, withHabits } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { gelu } from './gelu.ts';

describeOnEachEngine('gelu()', (engine) => {
  const geluOf = (x: Tensor, hostLoops = true) =>
    gelu(withHabits(engine(), { hostLoops }), engine().tf.reshape(x, [1, -1]) as Tensor2D);

  test.each([true, false])('has the gradient of its differences (host loops: %s)', (hostLoops) => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (x) => geluOf(engine().tf.mul(x, 2), hostLoops),
      inputs: [normalTensor(engine(), 'x', [40])],
    });
  });

  test('gives the same from the table as from erf, up to the table ends and beyond', () => {
    const x = engine().tf.linspace(-9, 9, 4001);
    expect(geluOf(x).dataSync()).toBeAllClose(geluOf(x, false).dataSync(), { relative: 0, absolute: 2e-6 });
  });

  test('keeps what is not a number, so that a diverged run is noticed', () => {
    expect(geluOf(engine().tf.tensor1d([Number.NaN])).dataSync()).toEqual(Float32Array.of(Number.NaN));
  });
});
