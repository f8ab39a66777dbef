import type { Scalar, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { infoNce } from './info-nce.ts';
import { macoContrast, macoLoss, sampleWeights } from './maco.ts';

describeOnEachEngine('macoContrast()', (engine) => {
  const images = () => normalTensor<Tensor2D>(engine(), 'images', [4, 3]);
  const texts = () => normalTensor<Tensor2D>(engine(), 'texts', [4, 3]);

  test('is symmetric InfoNCE when every sample weighs 1', () => {
    const weights = engine().tf.ones([4]) as Tensor1D;
    const loss = macoContrast(engine(), { images: images(), texts: texts() }, { temperature: 0.1, weights });
    const symmetric = infoNce(engine(), { a: images(), b: texts() }, { temperature: 0.1 });
    expect(loss.dataSync()).toBeAllClose(symmetric.dataSync(), { relative: 1e-6, absolute: 0 });
  });

  test('has the gradient of its differences for embeddings and temperature', () => {
    const weights = engine().tf.tensor1d([0.5, 1, 2, 0.1]);
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (a, b, factor) =>
        macoContrast(
          engine(),
          { images: a as Tensor2D, texts: b as Tensor2D },
          { temperature: { factor: factor as Scalar }, weights },
        ),
      inputs: [images(), texts(), engine().tf.scalar(3)],
    });
  });

  test('trains the weights only through how they sharpen', () => {
    const { tf } = engine();
    // All logits are equal, so sharpening changes nothing, while the weighing of samples would.
    const alike = tf.ones([4, 2]) as Tensor2D;
    const gradient = tf.grad((weights) =>
      macoContrast(engine(), { images: alike, texts: alike }, { temperature: 0.5, weights: weights as Tensor1D }),
    )(tf.tensor1d([0.5, 1, 2, 0.1]));
    expect(gradient.dataSync()).toBeAllClose(new Float32Array(4), { relative: 0, absolute: 1e-6 });
  });

  test('refuses weights of other samples', () => {
    const weights = engine().tf.ones([3]) as Tensor1D;
    expect(() => macoContrast(engine(), { images: images(), texts: texts() }, { temperature: 1, weights })).toThrow(
      /4, 4 and 3/,
    );
  });

  test('sampleWeights() starts at ln 2 and grows with the importance of what is visible', () => {
    const { tf } = engine();
    const visible = tf.tensor2d([1, 0, 0, 1], [2, 2]);
    const weightsWith = (weight: number[]) =>
      sampleWeights(
        engine(),
        visible,
        new Map([
          ['pos_weight_img.weight', tf.tensor2d(weight, [1, 2])],
          ['pos_weight_img.bias', tf.zeros([1])],
        ]),
      ).dataSync();
    expect(weightsWith([0, 0])).toBeAllClose([Math.LN2, Math.LN2], { relative: 1e-6, absolute: 0 });
    expect(weightsWith([100, -100])).toBeAllClose([100, 0], { relative: 1e-6, absolute: 1e-6 });
  });

  test('macoLoss() adds both parts, or mixes them', () => {
    const { tf } = engine();
    const parts = { reconstruction: tf.scalar(2), contrast: tf.scalar(3) };
    expect(macoLoss(engine(), parts, { reconstructionShare: null }).dataSync()[0]).toBe(5);
    expect(macoLoss(engine(), parts, { reconstructionShare: 0.75 }).dataSync()[0]).toBeCloseTo(2.25, 6);
  });
});
