import type { Scalar, Tensor1D } from '@tensorflow/tfjs-core';
import '../../test/all-close.ts';
import { expect, test } from 'vitest';
import { describeOnEachEngine } from '../../test/each-engine.ts';
import { unrecorded } from './unrecorded.ts';

describeOnEachEngine('unrecorded()', (engine) => {
  test('is a constant to gradients, even where an operation inside has none', () => {
    const { tf } = engine();
    const x = tf.tensor1d([2, 3]);
    const before = tf.memory().numTensors;
    const { value, grad } = tf.valueAndGrad(
      (values) =>
        tf.sum(
          tf.mul(
            values,
            unrecorded(engine(), () => tf.exp(tf.mod(values, 2)) as Tensor1D),
          ),
        ) as Scalar,
    )(x);
    expect(value.dataSync()[0]).toBeCloseTo(2 + 3 * Math.E, 4);
    expect(grad.dataSync()).toBeAllClose([1, Math.E], { relative: 1e-6, absolute: 0 });
    expect(tf.memory().numTensors).toBe(before + 2);
  });
});
