import type { Scalar } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine } from '../../test/each-engine.ts';
import '../../test/all-close.ts';
import { divideByTemperature, FVLM_TEMPERATURE_BOUNDS } from './temperature.ts';

describeOnEachEngine('divideByTemperature()', (engine) => {
  test('means the same in each form', () => {
    const { tf } = engine();
    const divided = [
      0.05,
      { divisor: tf.scalar(0.05) },
      { factor: tf.scalar(20) },
      { logitScale: tf.scalar(Math.log(20)) },
    ].map((temperature) => divideByTemperature(engine(), tf.tensor1d([1, -0.5]), temperature).dataSync());
    for (const result of divided) expect(result).toBeAllClose([20, -10], { relative: 1e-6, absolute: 0 });
  });

  test.each([
    [2, 0.5],
    [0, 0.001],
  ])('moves a divisor of %d into the bounds first, and lets its gradient through', (outside, within) => {
    const { tf } = engine();
    const { value, grad } = tf.valueAndGrad((parameter) =>
      divideByTemperature(engine(), tf.scalar(1), {
        divisor: parameter as Scalar,
        bounds: FVLM_TEMPERATURE_BOUNDS,
      }),
    )(tf.scalar(outside));
    expect(value.dataSync()).toBeAllClose([1 / within], { relative: 1e-6, absolute: 0 });
    expect(grad.dataSync()).toBeAllClose([-1 / within ** 2], { relative: 1e-6, absolute: 0 });
  });
});
