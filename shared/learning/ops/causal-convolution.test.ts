import type { Tensor1D, Tensor3D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor, withHabits } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { causalConvolution } from './causal-convolution.ts';

describeOnEachEngine('causalConvolution()', (engine) => {
  test.each([true, false])('sees the token itself and those before it (host loops: %s)', (hostLoops) => {
    const { tf } = engine();
    const x = tf.tensor3d([1, 10, 2, 20, 3, 30], [1, 3, 2]);
    const weight = tf.tensor3d([100, 1, 1000, 2], [2, 1, 2]);
    const y = causalConvolution(withHabits(engine(), { hostLoops }), x, { weight, bias: tf.tensor1d([0.5, 0]) });
    expect([...y.dataSync()]).toEqual([1.5, 20, 102.5, 10_040, 203.5, 20_060]);
  });

  // The kernel may reach over the whole sequence.
  test.each([
    [true, 6],
    [false, 6],
    [true, 2],
    [false, 2],
  ])('has the gradient of its differences (host loops: %s, length %i)', (hostLoops, length) => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (x, weight, bias) =>
        causalConvolution(withHabits(engine(), { hostLoops }), x as Tensor3D, {
          weight: weight as Tensor3D,
          bias: bias as Tensor1D,
        }),
      inputs: [
        normalTensor(engine(), 'x', [2, length, 3]),
        normalTensor(engine(), 'weight', [3, 1, 4]),
        normalTensor(engine(), 'bias', [3]),
      ],
    });
  });

  test('refuses a weight for other channels', () => {
    const weight = normalTensor<Tensor3D>(engine(), 'weight', [2, 1, 4]);
    const x = normalTensor<Tensor3D>(engine(), 'x', [1, 5, 3]);
    expect(() => causalConvolution(engine(), x, { weight, bias: engine().tf.zeros([3]) })).toThrow('found [2,1,4]');
  });
});
