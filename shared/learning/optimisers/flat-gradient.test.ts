import type { Scalar, Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine } from '../../test/each-engine.ts';
import { flatGradient } from './flat-gradient.ts';

describeOnEachEngine('flatGradient()', (engine) => {
  test('lays the gradients end to end, with zeros for what the loss does not use', () => {
    const { tf } = engine();
    const parameters = new Map<string, Tensor>([
      ['a', tf.tensor2d([1, 2, 3, 4], [2, 2])],
      ['unused', tf.tensor1d([5, 6, 7])],
      ['b', tf.tensor1d([10])],
    ]);
    const before = tf.memory().numTensors;
    const { value, gradient } = flatGradient(engine(), parameters, {
      compute: () => tf.sum(tf.mul(parameters.get('a')!, parameters.get('b')!)) as Scalar,
    });
    expect(value.dataSync()).toEqual(Float32Array.of(100));
    expect(gradient.dataSync()).toEqual(Float32Array.of(10, 10, 10, 10, 0, 0, 0, 10));
    expect(tf.memory().numTensors).toBe(before + 2);
  });

  test('weighs outputs by the cotangent, which stays the caller’s', () => {
    const { tf } = engine();
    const parameters = new Map<string, Tensor>([['a', tf.tensor2d([1, 2, 3, 4], [2, 2])]]);
    const cotangent = tf.tensor2d([1, 0, 0, -1], [2, 2]);
    const { gradient } = flatGradient(engine(), parameters, {
      compute: () => tf.mul(parameters.get('a')!, 3) as Tensor2D,
      cotangent,
    });
    expect(gradient.dataSync()).toEqual(Float32Array.of(3, 0, 0, -3));
    expect(cotangent.isDisposed).toBe(false);
  });
});
