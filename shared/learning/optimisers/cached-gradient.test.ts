import type { Scalar, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import '../../test/all-close.ts';
import { ntXent } from '../objectives/nt-xent.ts';
import { linear } from '../ops/linear.ts';
import { cachedGradient } from './cached-gradient.ts';

describeOnEachEngine('cachedGradient()', (engine) => {
  test.each([1, 3, 4, 7])('in parts of %i inputs gives the gradient of the whole batch', (inputsAtOnce) => {
    const { tf } = engine();
    const inputs = normalTensor<Tensor3D>(engine(), 'inputs', [8, 2, 3]);
    const parameters = new Map([
      ['weight', normalTensor(engine(), 'weight', [5, 6])],
      ['bias', normalTensor(engine(), 'bias', [5])],
      ['head', normalTensor(engine(), 'head', [4, 5])],
      ['head bias', normalTensor(engine(), 'head bias', [4])],
    ]);
    const gradientWith = (atOnce: number) =>
      cachedGradient(engine(), parameters, {
        inputs,
        inputsAtOnce: atOnce,
        encode: (part) =>
          linear(engine(), tf.reshape(part, [-1, 6]) as Tensor2D, {
            weight: parameters.get('weight') as Tensor2D,
            bias: parameters.get('bias') as Tensor1D,
          }),
        loss: (rows) => {
          const head = { weight: parameters.get('head') as Tensor2D, bias: parameters.get('head bias') as Tensor1D };
          return ntXent(engine(), linear(engine(), rows, head), { temperature: 0.2 }) as Scalar;
        },
      });
    const whole = gradientWith(8);
    const before = tf.memory().numTensors;
    const parts = gradientWith(inputsAtOnce);
    expect(tf.memory().numTensors).toBe(before + 2);
    expect(parts.value.dataSync()).toBeAllClose(whole.value.dataSync(), { relative: 1e-6, absolute: 0 });
    expect(parts.gradient.dataSync()).toBeAllClose(whole.gradient.dataSync(), { relative: 1e-5, absolute: 0 });
  });
});
