import type { Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { goldenTest } from '../../test/golden.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { ntXent } from './nt-xent.ts';

describeOnEachEngine('ntXent()', (engine) => {
  test('is the log of the number of other views when all views are the same', () => {
    const loss = ntXent(engine(), engine().tf.ones([6, 4]), { temperature: 0.1 });
    expect(loss.dataSync()[0]).toBeCloseTo(Math.log(5), 5);
  });

  test('is near zero when partners agree and others are opposite', () => {
    const views = engine().tf.tensor2d([1, 0, -1, 0, 1, 0, -1, 0], [4, 2]);
    expect(ntXent(engine(), views, { temperature: 0.1 }).dataSync()[0]).toBeCloseTo(0, 6);
  });

  test('has the gradient of its differences', () => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (views) => ntXent(engine(), views as Tensor2D, { temperature: 0.5 }),
      inputs: [normalTensor(engine(), 'views', [6, 5])],
    });
  });

  test('refuses fewer than two slices, and views without a partner', () => {
    expect(() => ntXent(engine(), engine().tf.ones([2, 4]), { temperature: 1 })).toThrow(TypeError);
    expect(() => ntXent(engine(), engine().tf.ones([5, 4]), { temperature: 1 })).toThrow(TypeError);
  });

  for (const caseName of ['loss_ntxent_t0.07', 'loss_ntxent_t0.5']) {
    goldenTest(caseName, 'agrees with PyTorch in value and gradient', (golden) => {
      const { tf } = engine();
      const temperature = golden.config['temperature'] as number;
      const inputs = ['z1', 'z2'].map((name) => golden.load(engine(), `input.${name}`));
      const loss = (...[first, second]: typeof inputs) =>
        ntXent(engine(), tf.concat([first as Tensor2D, second as Tensor2D]), { temperature });
      expect(loss(...inputs).dataSync()).toBeAllClose(golden.values('output.loss'), golden.outputTolerance);
      tf.grads(loss)(inputs).forEach((gradient, index) => {
        const expected = golden.values(`grad.z${index + 1}`);
        expect(gradient.dataSync(), `grad.z${index + 1}`).toBeAllClose(expected, golden.gradientTolerance);
      });
    });
  }
});
