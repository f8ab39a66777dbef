import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { test } from 'vitest';
import { describeOnEachEngine, normalTensor, withHabits } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { layerNorm } from './layer-norm.ts';

describeOnEachEngine('layerNorm()', (engine) => {
  const withEpsilon =
    (epsilon: number, hostLoops: boolean) =>
    (...[x, weight, bias]: Tensor[]): Tensor =>
      layerNorm(withHabits(engine(), { hostLoops }), x as Tensor2D, {
        weight: weight as Tensor1D,
        bias: bias as Tensor1D,
        epsilon,
      });

  test.each([true, false])('has the gradient of its differences (in a loop: %s)', (hostLoops) => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: withEpsilon(1e-6, hostLoops),
      inputs: [
        normalTensor(engine(), 'x', [4, 6]),
        normalTensor(engine(), 'weight', [6]),
        normalTensor(engine(), 'bias', [6]),
      ],
    });
  });
});
