import { describe, expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor, withHabits } from '../../test/each-engine.ts';
import '../../test/all-close.ts';
import { product, stackedProduct } from './product.ts';

const rounding = { relative: 1e-6, absolute: 1e-6 };
const transposes = [
  { transposeA: false, transposeB: false },
  { transposeA: true, transposeB: false },
  { transposeA: false, transposeB: true },
  { transposeA: true, transposeB: true },
];

describeOnEachEngine('products', (engine) => {
  describe.each([true, false])('where the engine likes transposed and stacked products: %s', (liked) => {
    test.each(transposes)('product() multiplies matrices with %o', ({ transposeA, transposeB }) => {
      const a = normalTensor(engine(), 'a', transposeA ? [5, 3] : [3, 5]);
      const b = normalTensor(engine(), 'b', transposeB ? [4, 5] : [5, 4]);
      const expected = engine().tf.matMul(a, b, transposeA, transposeB);
      const other = withHabits(engine(), { transposedProducts: liked });
      const actual = product(other, [a as never, b as never], { transposeA, transposeB });
      expect(actual.shape).toEqual([3, 4]);
      expect(actual.dataSync()).toBeAllClose(expected.dataSync(), rounding);
    });

    test.each(transposes)('stackedProduct() multiplies matching matrices with %o', ({ transposeA, transposeB }) => {
      const a = normalTensor(engine(), 'a', transposeA ? [6, 5, 3] : [6, 3, 5]);
      const b = normalTensor(engine(), 'b', transposeB ? [6, 4, 5] : [6, 5, 4]);
      const expected = engine().tf.matMul(a, b, transposeA, transposeB);
      const other = withHabits(engine(), { batchedProducts: liked });
      const actual = stackedProduct(other, [a as never, b as never], { transposeA, transposeB });
      expect(actual.shape).toEqual([6, 3, 4]);
      expect(actual.dataSync()).toBeAllClose(expected.dataSync(), rounding);
    });
  });

  test('stackedProduct() frees the matrices that it takes apart', () => {
    const a = normalTensor(engine(), 'a', [6, 3, 5]);
    const before = engine().tf.memory().numTensors;
    const other = withHabits(engine(), { batchedProducts: false });
    stackedProduct(other, [a as never, a as never], { transposeB: true }).dispose();
    expect(engine().tf.memory().numTensors).toBe(before);
  });
});
