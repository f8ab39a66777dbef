import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor, withHabits } from '../../test/each-engine.ts';
import { goldenTest } from '../../test/golden.ts';
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

  goldenTest(
    'op_activations',
    'agrees with PyTorch, as does the gradient of a sum with other activations',
    (golden) => {
      const { tf } = engine();
      for (const suffix of ['', '_large']) {
        const x = golden.load(engine(), `input.x${suffix}`);
        expect(geluOf(x).dataSync()).toBeAllClose(golden.values(`output.gelu${suffix}`), golden.outputTolerance);
        // The reference gradient is that of a sum over five activations; the other four are written out.
        const [sigmoid, tanh] = [tf.sigmoid(x), tf.tanh(x)];
        const slopes: Record<string, Tensor> = {
          silu: tf.mul(sigmoid, tf.add(1, tf.mul(x, tf.sub(1, sigmoid)))),
          softplus: sigmoid,
          sigmoid: tf.mul(sigmoid, tf.sub(1, sigmoid)),
          tanh: tf.sub(1, tf.square(tanh)),
        };
        const cotangent = (name: string) => golden.load(engine(), `cotangent.${name}${suffix}`);
        const gradients = Object.entries(slopes).map(([name, slope]) => tf.mul(slope, cotangent(name)));
        gradients.push(tf.grad((input) => geluOf(input))(x, tf.reshape(cotangent('gelu'), [1, -1])));
        const expected = golden.values(`grad.x${suffix}`);
        expect(tf.addN(gradients).dataSync()).toBeAllClose(expected, golden.gradientTolerance);
      }
    },
  );
});
