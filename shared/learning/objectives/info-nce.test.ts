import type { Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { goldenTest } from '../../test/golden.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { infoNce } from './info-nce.ts';

describeOnEachEngine('infoNce()', (engine) => {
  test('has the gradient of its differences', () => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (a, b) => infoNce(engine(), { a: a as Tensor2D, b: b as Tensor2D }, { temperature: 0.5 }),
      inputs: [normalTensor(engine(), 'a', [5, 4]), normalTensor(engine(), 'b', [5, 4])],
    });
  });

  test('is the logarithm of the number of patients when all look alike, and almost 0 when all are matched', () => {
    const { tf } = engine();
    const alike: Tensor2D = tf.ones([4, 3]);
    const [loss] = infoNce(engine(), { a: alike, b: alike }, { temperature: 0.07 }).dataSync();
    expect(loss).toBeCloseTo(Math.log(4), 5);
    const apart = tf.eye(4);
    expect(infoNce(engine(), { a: apart, b: apart }, { temperature: 0.05 }).dataSync()[0]).toBeLessThan(1e-6);
  });

  test('stays finite for a zero row and a small temperature', () => {
    const { tf } = engine();
    const a = tf.tensor2d([0, 0, 1, 0, 0, 1], [3, 2]);
    const b = tf.tensor2d([1, 0, -1, 0, 0, 1], [3, 2]);
    const loss = (x: Tensor2D) => infoNce(engine(), { a: x, b }, { temperature: 0.01 });
    const gradient = tf.grad((x) => loss(x as Tensor2D))(a);
    expect(loss(a).dataSync()[0]).toBeLessThan(Number.POSITIVE_INFINITY);
    expect([...gradient.dataSync()].every(Number.isFinite)).toBe(true);
  });

  test('refuses a single patient and views of different patients', () => {
    const { tf } = engine();
    expect(() => infoNce(engine(), { a: tf.ones([1, 2]), b: tf.ones([1, 2]) }, { temperature: 1 })).toThrow(RangeError);
    expect(() => infoNce(engine(), { a: tf.ones([3, 2]), b: tf.ones([2, 2]) }, { temperature: 1 })).toThrow(/3 and 2/);
  });

  goldenTest('loss_infonce_fixed_t0.01', 'agrees with PyTorch', (golden) => {
    const { tf } = engine();
    const inputs = [golden.load<Tensor2D>(engine(), 'input.a'), golden.load<Tensor2D>(engine(), 'input.b')];
    const temperature = golden.config['temperature'] as number;
    const { value, grads } = tf.valueAndGrads((a, b) =>
      infoNce(engine(), { a: a as Tensor2D, b: b as Tensor2D }, { temperature }),
    )(inputs);
    expect(value.dataSync()).toBeAllClose(golden.values('output.loss'), golden.outputTolerance);
    expect(grads[0]!.dataSync()).toBeAllClose(golden.values('grad.a'), golden.gradientTolerance);
    expect(grads[1]!.dataSync()).toBeAllClose(golden.values('grad.b'), golden.gradientTolerance);
  });
});
