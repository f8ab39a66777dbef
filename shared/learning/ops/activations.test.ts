import type { Tensor } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { sigmoid } from './sigmoid.ts';
import { silu } from './silu.ts';
import { softplus } from './softplus.ts';
import { tanh } from './tanh.ts';

const logistic = (x: number) => 1 / (1 + Math.exp(-x));

describeOnEachEngine('activations', (engine) => {
  test.each([
    ['silu()', silu, (x: number) => x * logistic(x)],
    ['softplus()', softplus, (x: number) => Math.log1p(Math.exp(x))],
    ['sigmoid()', sigmoid, logistic],
    ['tanh()', tanh, Math.tanh],
  ] as const)('%s computes its formula and has the gradient of its differences', (_, activation, formula) => {
    const points = [-30, -12, -3, -0.5, 0, 1e-3, 0.5, 3, 12, 30];
    const values = activation(engine(), engine().tf.tensor1d(points)).dataSync();
    // Each by itself: a step size of a state space comes out of the small end of softplus.
    points.forEach((point, index) => {
      expect([values[index]!], `at ${point}`).toBeAllClose([formula(point)], { relative: 2e-6, absolute: 1e-12 });
    });
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (x) => activation<Tensor>(engine(), engine().tf.mul(x!, 3)),
      inputs: [normalTensor(engine(), 'x', [4, 5])],
    });
  });

  test('softplus() is the identity above 20, as in PyTorch', () => {
    const x = Float32Array.of(20.5, 100, 3e38);
    expect(softplus(engine(), engine().tf.tensor1d(x)).dataSync()).toEqual(x);
  });
});
