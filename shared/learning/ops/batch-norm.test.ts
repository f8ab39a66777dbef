import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { batchNorm, frozenBatchNorm, updatedStatistics } from './batch-norm.ts';

const epsilon = 1e-5;

describeOnEachEngine('batchNorm()', (engine) => {
  const row = (seed: string) => normalTensor<Tensor1D>(engine(), seed, [4]);
  const inputs = () => [normalTensor(engine(), 'x', [5, 4]), row('weight'), row('bias')];
  const affineOf = (weight: Tensor, bias: Tensor) => ({ weight: weight as Tensor1D, bias: bias as Tensor1D });

  test('has the gradient of its differences, and so has frozenBatchNorm()', () => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (...[x, weight, bias]: Tensor[]) =>
        batchNorm(engine(), x as Tensor2D, { affine: affineOf(weight!, bias!), epsilon }),
      inputs: inputs(),
    });
    const statistics = { mean: row('mean'), variance: engine().tf.square(row('variance')) as Tensor1D };
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (...[x, weight, bias]: Tensor[]) =>
        frozenBatchNorm(engine(), x as Tensor2D, { affine: affineOf(weight!, bias!), statistics, epsilon }),
      inputs: inputs(),
    });
  });

  test('agrees with frozenBatchNorm() by the statistics of the very batch, with and without an affine part', () => {
    const { tf } = engine();
    const [x, weight, bias] = inputs() as [Tensor2D, Tensor1D, Tensor1D];
    const { mean, variance } = tf.moments(x, 0);
    const statistics = { mean: mean as Tensor1D, variance: variance as Tensor1D };
    for (const affine of [affineOf(weight, bias), null]) {
      const expected = frozenBatchNorm(engine(), x, { affine, statistics, epsilon }).dataSync();
      const actual = batchNorm(engine(), x, { affine, epsilon }).dataSync();
      expect(actual).toBeAllClose(expected, { relative: 1e-6, absolute: 0 });
    }
  });

  test('updatedStatistics() moves towards the mean and the unbiased variance', () => {
    const { tf } = engine();
    const { mean, variance } = updatedStatistics(engine(), tf.tensor2d([1, 0, 3, 10, 5, 20], [3, 2]), {
      statistics: { mean: tf.tensor1d([1, 2]), variance: tf.tensor1d([1, 1]) },
      momentum: 0.25,
    });
    const tolerance = { relative: 1e-6, absolute: 0 };
    expect(mean.dataSync()).toBeAllClose([1.5, 4], tolerance);
    expect(variance.dataSync()).toBeAllClose([1.75, 25.75], tolerance);
    const statistics = { mean, variance };
    expect(() => updatedStatistics(engine(), tf.ones([1, 2]), { statistics, momentum: 0.1 })).toThrow(
      'it needs at least 2 values a channel, found 1',
    );
  });
});
