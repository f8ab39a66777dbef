import type { Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { inverseOrder, permuteRows } from './permute-rows.ts';

describeOnEachEngine('permuteRows()', (engine) => {
  const order = Int32Array.of(2, 0, 3, 1);

  test('is undone by the inverse order', () => {
    const x = normalTensor<Tensor2D>(engine(), 'x', [4, 3]);
    const permuted = permuteRows(engine(), x, order);
    expect(permuted.dataSync().slice(0, 3)).toEqual(x.dataSync().slice(6, 9));
    expect(permuteRows(engine(), permuted, inverseOrder(order)).dataSync()).toEqual(x.dataSync());
  });

  test('has the gradient of its differences', () => {
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (x) => permuteRows(engine(), x as Tensor2D, order),
      inputs: [normalTensor(engine(), 'x', [4, 3])],
    });
  });

  test('refuses an order that is none', () => {
    const x = normalTensor<Tensor2D>(engine(), 'x', [4, 3]);
    expect(() => permuteRows(engine(), x, Int32Array.of(0, 1, 1, 2))).toThrow('found 1 again');
    expect(() => permuteRows(engine(), x, Int32Array.of(0, 1, 4, 2))).toThrow(RangeError);
    expect(() => permuteRows(engine(), x, Int32Array.of(0, 1))).toThrow('found 2 places');
  });
});
