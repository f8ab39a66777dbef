import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor, withHabits } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { crossMerge, crossScan, inScanOrder } from './cross-scan.ts';

const size = { height: 2, width: 3 };

describeOnEachEngine('crossScan()', (engine) => {
  const numbers = (values: readonly number[]): Tensor3D => engine().tf.tensor(values, [1, 6, values.length / 6]);
  const tokensOf = (x: Tensor) => engine().tf.transpose(x, [0, 2, 1]).arraySync() as number[][][];

  test.each([true, false])('reads rows, columns and both in reverse (host loops: %s)', (hostLoops) => {
    const xs = crossScan(withHabits(engine(), { hostLoops }), numbers([0, 1, 2, 3, 4, 5]), size);
    expect(tokensOf(xs)[0]).toEqual([
      [0, 1, 2, 3, 4, 5],
      [0, 3, 1, 4, 2, 5],
      [5, 4, 3, 2, 1, 0],
      [5, 2, 4, 1, 3, 0],
    ]);
  });

  test.each([true, false])('is undone by crossMerge(), which adds the four (host loops: %s)', (hostLoops) => {
    const looped = withHabits(engine(), { hostLoops });
    const x = normalTensor<Tensor3D>(engine(), 'x', [2, 6, 2]);
    const merged = crossMerge(looped, crossScan(looped, x, size), size);
    expect(merged.dataSync()).toBeAllClose(engine().tf.mul(x, 4).dataSync(), { relative: 1e-6, absolute: 0 });
  });

  test.each([true, false])('orders own columns as inScanOrder() (host loops: %s)', (hostLoops) => {
    const { tf } = engine();
    const looped = withHabits(engine(), { hostLoops });
    const x = normalTensor<Tensor3D>(engine(), 'x', [2, 6, 2]);
    const ordered = inScanOrder(looped, tf.concat([x, x, x, x], 2), size);
    expect(ordered.dataSync()).toEqual(crossScan(looped, x, size).dataSync());
  });

  test.each([true, false])('all have the gradients of their differences (host loops: %s)', (hostLoops) => {
    const looped = withHabits(engine(), { hostLoops });
    for (const [op, columns] of [
      [crossScan, 2],
      [crossMerge, 8],
      [inScanOrder, 8],
    ] as const) {
      expectGradientsToMatchDifferences(engine(), {
        evaluate: (x) => op(looped, x as Tensor3D, size),
        inputs: [normalTensor(engine(), 'x', [2, 6, columns])],
      });
    }
  });

  test('refuses tokens of another image size', () => {
    expect(() => crossScan(engine(), numbers([0, 1, 2, 3, 4, 5]), { height: 2, width: 2 })).toThrow('found 6 tokens');
  });
});
