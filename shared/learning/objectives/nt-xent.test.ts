import type { Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import '../../test/all-close.ts';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
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

  test('keeps a small loss at a low temperature', () => {
    // Cosines 1 to the partner and 0.8 to both others.
    const views = engine().tf.tensor2d([1, 0, 0.8, 0.6, 1, 0, 0.8, 0.6], [4, 2]);
    const loss = ntXent(engine(), views, { temperature: 0.02 }).dataSync();
    expect(loss).toBeAllClose([Math.log1p(2 * Math.exp(-10))], { relative: 5e-3, absolute: 0 });
  });

  test('has the gradient of its differences', () => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (views) => ntXent(engine(), views as Tensor2D, { temperature: 0.5 }),
      inputs: [normalTensor(engine(), 'views', [6, 5])],
    });
  });

  test('does not depend on how long the vectors are, nor on the order of the slices', () => {
    const { tf } = engine();
    const views = normalTensor<Tensor2D>(engine(), 'views', [6, 5]);
    const loss = (of: Tensor2D) => ntXent(engine(), of, { temperature: 0.1 }).dataSync()[0]!;
    expect(loss(tf.mul(views, tf.tensor2d([1, 20, 0.1, 3, 0.5, 7], [6, 1])))).toBeCloseTo(loss(views), 5);
    expect(loss(tf.gather(views, [2, 0, 1, 5, 3, 4]))).toBeCloseTo(loss(views), 5);
  });

  test('refuses fewer than two slices, and views without a partner', () => {
    expect(() => ntXent(engine(), engine().tf.ones([2, 4]), { temperature: 1 })).toThrow(TypeError);
    expect(() => ntXent(engine(), engine().tf.ones([5, 4]), { temperature: 1 })).toThrow(TypeError);
  });
});
