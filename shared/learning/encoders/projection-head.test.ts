import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import '../../test/all-close.ts';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { projectionHead } from './projection-head.ts';

describeOnEachEngine('projectionHead()', (engine) => {
  test('maps and standardises over the batch, keeps what is positive, and does it again', () => {
    const { tf } = engine();
    const parameters = new Map<string, Tensor>([
      ['head.0.weight', tf.tensor2d([1, 0, 0, -1], [2, 2])],
      ['head.0.bias', tf.tensor1d([0, 1])],
      ['head.2.weight', tf.tensor2d([10, 100], [1, 2])],
      ['head.2.bias', tf.tensor1d([0.5])],
    ]);
    const projected = projectionHead(engine(), tf.tensor2d([2, -3, -2, 3, 0, 0], [3, 2]), parameters);
    // Hidden: (2, 4), (-2, -2), (0, 1), which standardise to one, minus one and no times the square root of 1.5 each.
    const [high, low] = [Math.SQRT2, -Math.SQRT1_2];
    expect(projected.dataSync()).toBeAllClose([high, low, low], { relative: 1e-5, absolute: 0 });
  });

  test('has the gradient of its differences', () => {
    const names = ['head.0.weight', 'head.0.bias', 'head.2.weight', 'head.2.bias'];
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (x, ...tensors) =>
        projectionHead(engine(), x as Tensor2D, new Map(names.map((name, index) => [name, tensors[index]!]))),
      inputs: [[5, 4], [4, 4], [4], [3, 4], [3]].map((shape, index) => normalTensor(engine(), `input ${index}`, shape)),
      // A step must not cross the kink of the ReLU.
      step: 1e-3,
      tolerance: { relative: 5e-3, absolute: 1e-3 },
    });
  });
});
