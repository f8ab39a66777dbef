import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { layerNorm } from './layer-norm.ts';

describeOnEachEngine('layerNorm()', (engine) => {
  const withEpsilon =
    (epsilon: number) =>
    (...[x, weight, bias]: Tensor[]): Tensor =>
      layerNorm(engine(), x as Tensor2D, { weight: weight as Tensor1D, bias: bias as Tensor1D, epsilon });

  test('has the gradient of its differences', () => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: withEpsilon(1e-6),
      inputs: [
        normalTensor(engine(), 'x', [4, 6]),
        normalTensor(engine(), 'weight', [6]),
        normalTensor(engine(), 'bias', [6]),
      ],
    });
  });
});
