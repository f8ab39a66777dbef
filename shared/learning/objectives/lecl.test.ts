import type { Tensor2D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { describeOnEachEngine, normalTensor } from '../../test/each-engine.ts';
import { expectGradientsToMatchDifferences } from '../../test/gradient-check.ts';
import { type LeclOptions, lecl } from './lecl.ts';

describeOnEachEngine('lecl()', (engine) => {
  const queries = () => normalTensor<Tensor2D>(engine(), 'queries', [4, 3]);
  const keys = () => normalTensor<Tensor2D>(engine(), 'keys', [4, 3]);
  const lossOf = (options: LeclOptions, views = { queries: queries(), keys: keys() }) =>
    lecl(engine(), views, options).dataSync()[0]!;
  const none = [false, false, false, false];
  const some = [true, false, true, false];

  test('is 2T times the logarithm of all terms, extra ones included, when all samples look alike', () => {
    const alike: Tensor2D = engine().tf.ones([4, 2]);
    const loss = (options: LeclOptions) => lossOf(options, { queries: alike, keys: alike });
    expect(loss({ temperature: 0.5, lesions: none })).toBeCloseTo(Math.log(4), 5);
    // Rows 0 and 2 meet one other lesion, rows 1 and 3 two.
    expect(loss({ temperature: 0.5, lesions: some })).toBeCloseTo((Math.log(5) + Math.log(6)) / 2, 5);
    expect(loss({ temperature: 0.5, lesions: some, termWeight: 3 })).toBeCloseTo((Math.log(7) + Math.log(10)) / 2, 5);
    const weighted = (extra: number) => Math.log(4 * Math.E ** 2 + extra * Math.E ** 6) - 2;
    expect(loss({ temperature: 0.5, lesions: some, logitWeight: 3 })).toBeCloseTo((weighted(1) + weighted(2)) / 2, 5);
  });

  test('is the loss of MoCo v3 without lesions, with a weight of zero, and for the only lesion’s own row', () => {
    const plain = lossOf({ temperature: 0.2, lesions: none });
    expect(lossOf({ temperature: 0.2, lesions: some, termWeight: 0 })).toBe(plain);
    const { tf } = engine();
    const first = { queries: tf.slice(queries(), 0, 2), keys: tf.slice(keys(), 0, 2) };
    const alone = (lesions: boolean[]) => lossOf({ temperature: 0.2, lesions }, first);
    expect(alone([true, false])).toBeGreaterThan(alone([false, false]));
    expect(alone([true, true])).toBeGreaterThan(alone([true, false]));
  });

  test('does not depend on the order of the samples', () => {
    const { tf } = engine();
    const order = [2, 1, 3, 0];
    const moved = { queries: tf.gather(queries(), order), keys: tf.gather(keys(), order) };
    expect(lossOf({ temperature: 0.2, lesions: order.map((sample) => some[sample]!) }, moved)).toBeCloseTo(
      lossOf({ temperature: 0.2, lesions: some }),
      5,
    );
  });

  test('has the gradient of its differences for queries, and none for keys', () => {
    const options = { temperature: 0.5, lesions: some, logitWeight: 1.5, termWeight: 2 };
    const fixed = keys();
    expectGradientsToMatchDifferences(engine(), {
      evaluate: (x) => lecl(engine(), { queries: x as Tensor2D, keys: fixed }, options),
      inputs: [queries()],
    });
    const mine = queries();
    const { grads } = engine()
      .tf.engine()
      .gradients(() => lecl(engine(), { queries: mine, keys: fixed }, options), [mine, fixed], undefined, true);
    expect(grads[1] ?? null).toBeNull();
  });

  test('stays finite at a small temperature', () => {
    expect(lossOf({ temperature: 1e-3, lesions: some })).toBeLessThan(Number.POSITIVE_INFINITY);
  });

  test('refuses views and flags of different samples, and a single sample', () => {
    expect(() => lossOf({ temperature: 1, lesions: [true] })).toThrow(/4, 4 and 1/);
    const { tf } = engine();
    const one = { queries: tf.ones([1, 2]) as Tensor2D, keys: tf.ones([1, 2]) as Tensor2D };
    expect(() => lossOf({ temperature: 1, lesions: [true] }, one)).toThrow(RangeError);
  });
});
