import type { Tensor3D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import '../../test/all-close.ts';
import { stackedProduct } from './stacked-product.ts';

describeOnEachEngine('stackedProduct()', (engine) => {
  test.each([
    { transposeA: false, transposeB: false },
    { transposeA: true, transposeB: false },
    { transposeA: false, transposeB: true },
    { transposeA: true, transposeB: true },
  ])('multiplies matching matrices with %o', ({ transposeA, transposeB }) => {
    const a = normalTensor<Tensor3D>(engine(), 'a', transposeA ? [6, 5, 3] : [6, 3, 5]);
    const b = normalTensor<Tensor3D>(engine(), 'b', transposeB ? [6, 4, 5] : [6, 5, 4]);
    const expected = engine().tf.matMul(a, b, transposeA, transposeB);
    const actual = stackedProduct(engine(), [a, b], { transposeA, transposeB });
    expect(actual.shape).toEqual([6, 3, 4]);
    expect(actual.dataSync()).toBeAllClose(expected.dataSync(), { relative: 1e-6, absolute: 0 });
  });

  test('frees what it takes apart', () => {
    const { tf } = engine();
    const a = normalTensor<Tensor3D>(engine(), 'a', [6, 3, 5]);
    const before = [tf.memory().numTensors, tf.memory().numDataBuffers, tf.backend().numDataIds()];
    stackedProduct(engine(), [a, a], { transposeB: true }).dispose();
    expect([tf.memory().numTensors, tf.memory().numDataBuffers, tf.backend().numDataIds()]).toEqual(before);
  });
});
