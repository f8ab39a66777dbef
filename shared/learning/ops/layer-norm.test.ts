import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { goldenTest } from '../../test/golden.ts';
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

  goldenTest('op_layer_norm_eps', 'agrees with PyTorch on rows of very different variance', (golden) => {
    const { tf } = engine();
    const names = ['input.x', 'param.weight', 'param.bias'];
    const inputs = names.map((name) => golden.load(engine(), name));
    const sums = inputs.map((input) => tf.zerosLike(input));
    for (const [index, epsilon] of (golden.config['eps'] as number[]).entries()) {
      const y = withEpsilon(epsilon)(...inputs);
      expect(y.dataSync()).toBeAllClose(golden.values(`output.y_eps${index}`), golden.outputTolerance);
      const gradients = tf.grads(withEpsilon(epsilon))(inputs, golden.load(engine(), `cotangent.y_eps${index}`));
      gradients.forEach((gradient, at) => {
        sums[at] = tf.add(sums[at]!, gradient);
      });
    }
    sums.forEach((sum, at) => {
      const expected = golden.values(`grad.${names[at]!.split('.')[1]}`);
      expect(sum.dataSync(), names[at]!).toBeAllClose(expected, golden.gradientTolerance);
    });
  });
});
