import type { Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor, withHabits } from '../../test/each-engine.ts';
import '../../test/all-close.ts';
import { product } from './product.ts';

describeOnEachEngine('product()', (engine) => {
  test.each([
    { transposeA: false, transposeB: false },
    { transposeA: true, transposeB: false },
    { transposeA: false, transposeB: true },
    { transposeA: true, transposeB: true },
  ])('multiplies matrices with %o', ({ transposeA, transposeB }) => {
    const a = normalTensor<Tensor2D>(engine(), 'a', transposeA ? [5, 3] : [3, 5]);
    const b = normalTensor<Tensor2D>(engine(), 'b', transposeB ? [4, 5] : [5, 4]);
    const expected = engine().tf.matMul(a, b, transposeA, transposeB);
    for (const transposedProducts of [true, false]) {
      const actual = product(withHabits(engine(), { transposedProducts }), [a, b], { transposeA, transposeB });
      expect(actual.shape).toEqual([3, 4]);
      expect(actual.dataSync()).toBeAllClose(expected.dataSync(), { relative: 1e-6, absolute: 0 });
    }
  });
});
