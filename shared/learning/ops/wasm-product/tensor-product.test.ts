import type { Rank, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import '../../../test/all-close.ts';
import { normalTensor } from '../../../test/each-engine.ts';
import { type Engine, openEngine } from '../../engine/open-engine.ts';
import { stackedTensorProduct, tensorProduct } from './tensor-product.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ prefer: ['wasm'] });
});

/** Summed in float64. */
function expected(
  a: Float32Array,
  b: Float32Array,
  { rows, inner, columns }: Record<'rows' | 'inner' | 'columns', number>,
) {
  return (transposeA: boolean, transposeB: boolean, bias?: Float32Array) =>
    Float32Array.from({ length: rows * columns }, (_, index) => {
      const [row, column] = [Math.floor(index / columns), index % columns];
      let sum = bias?.[column] ?? 0;
      for (let at = 0; at < inner; at += 1) {
        sum +=
          a[transposeA ? at * rows + row : row * inner + at]! *
          b[transposeB ? column * inner + at : at * columns + column]!;
      }
      return sum;
    });
}

describe('tensorProduct()', () => {
  // One number; less than a tile; whole tiles; a number more each way; rows that take several blocks.
  test.each([
    { rows: 1, inner: 1, columns: 1 },
    { rows: 5, inner: 3, columns: 7 },
    { rows: 12, inner: 8, columns: 16 },
    { rows: 7, inner: 5, columns: 9 },
    { rows: 205, inner: 801, columns: 10 },
  ])('multiplies %o, whichever side is transposed', (sizes) => {
    const { rows, inner, columns } = sizes;
    const bias = normalTensor<Tensor1D>(engine, 'bias', [columns]);
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true]) {
        const a = normalTensor<Tensor2D>(engine, 'a', transposeA ? [inner, rows] : [rows, inner]);
        const b = normalTensor<Tensor2D>(engine, 'b', transposeB ? [columns, inner] : [inner, columns]);
        const sums = expected(a.dataSync<'float32'>(), b.dataSync<'float32'>(), sizes);
        const tolerance = { relative: 1e-5, absolute: 1e-5 };
        const product = tensorProduct(engine, [a, b], { transposeA, transposeB });
        expect(product.shape).toEqual([rows, columns]);
        expect(product.dataSync()).toBeAllClose(sums(transposeA, transposeB), tolerance);
        const shifted = tensorProduct(engine, [a, b], { transposeA, transposeB, bias });
        expect(shifted.dataSync()).toBeAllClose(sums(transposeA, transposeB, bias.dataSync<'float32'>()), tolerance);
      }
    }
  });

  test('keeps what is not a number in its row and column', () => {
    const { tf } = engine;
    const a = tf.tensor2d([1, Number.NaN, 1, 1, 1, 1], [3, 2]);
    const b = tf.tensor2d([1, Number.POSITIVE_INFINITY, 1, 1], [2, 2]);
    const product = tensorProduct(engine, [a, b], { transposeA: false, transposeB: false });
    expect([...product.dataSync()]).toEqual([Number.NaN, Number.NaN, 2, Infinity, 2, Infinity]);
  });

  test('refuses sides that do not fit and sides without numbers', () => {
    const { tf } = engine;
    const multiply = (a: [number, number], b: [number, number]) =>
      tensorProduct(engine, [tf.zeros(a), tf.zeros(b)], { transposeA: false, transposeB: false });
    expect(() => multiply([2, 3], [2, 3])).toThrow('Cannot multiply matrices of 2 x 3 and 2 x 3');
    expect(() => multiply([2, 0], [0, 3])).toThrow(TypeError);
  });

  test('leaves nothing but the product', () => {
    const { tf } = engine;
    const [a, b] = [tf.ones<Rank.R2>([9, 9]), tf.ones<Rank.R2>([9, 9])];
    const before = tf.memory().numTensors;
    tensorProduct(engine, [a, b], { transposeA: true, transposeB: false }).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

test('stackedTensorProduct() multiplies each pair of matrices', () => {
  const a = normalTensor<Tensor3D>(engine, 'a', [3, 5, 7]);
  const b = normalTensor<Tensor3D>(engine, 'b', [3, 9, 7]);
  const products = stackedTensorProduct(engine, [a, b], { transposeA: false, transposeB: true });
  expect(products.shape).toEqual([3, 5, 9]);
  for (const index of [0, 1, 2]) {
    const sums = expected(a.dataSync<'float32'>().subarray(index * 35), b.dataSync<'float32'>().subarray(index * 63), {
      rows: 5,
      inner: 7,
      columns: 9,
    });
    expect(products.dataSync().subarray(index * 45, (index + 1) * 45)).toBeAllClose(sums(false, true), {
      relative: 1e-5,
      absolute: 1e-5,
    });
  }
});
