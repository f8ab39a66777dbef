import type { Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { prependToken } from './prepend-token.ts';

describeOnEachEngine('prependToken()', (engine) => {
  test('puts the token before each sequence', () => {
    const x = engine().tf.tensor2d([1, 2, 3, 4], [4, 1]);
    const all = prependToken(engine(), x, { token: engine().tf.tensor1d([9]), sequences: 2 });
    expect(all.shape).toEqual([6, 1]);
    expect([...all.dataSync()]).toEqual([9, 1, 2, 9, 3, 4]);
  });

  test('has the gradient of its differences', () => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (x, token) => prependToken(engine(), x as Tensor2D, { token: token!, sequences: 3 }),
      inputs: [normalTensor(engine(), 'x', [6, 4]), normalTensor(engine(), 'token', [1, 1, 4])],
    });
  });

  test('refuses a token of another width and incomplete sequences', () => {
    const { tf } = engine();
    const token = tf.zeros([1, 1, 4]);
    expect(() => prependToken(engine(), tf.zeros([6, 3]), { token, sequences: 3 })).toThrow('token of 4 numbers');
    expect(() => prependToken(engine(), tf.zeros([7, 4]), { token, sequences: 3 })).toThrow(TypeError);
  });
});
