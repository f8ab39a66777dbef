import { describe, expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { retrievalRecall } from './retrieval-recall.ts';

describe('retrievalRecall()', () => {
  test('is 1 when both modalities agree up to scale, and chance is k of n', () => {
    const a = Float32Array.of(1, 0, 0, 1, -1, -1);
    const b = a.map((value) => value * 7);
    expect(retrievalRecall(a, b, { count: 3, width: 2, ks: [1, 5] })).toEqual([
      { k: 1, recall: 1, chance: 1 / 3 },
      { k: 5, recall: 1, chance: 1 },
    ]);
  });

  test('averages the two directions', () => {
    // Cosines: a0-b0 1, a0-b1 0.8, a1-b0 0.9.., a1-b1 0.6..: a1 finds b0 first, b1 finds a0 first.
    const angles = (degrees: number[]) =>
      Float32Array.from(degrees.flatMap((d) => [Math.cos((d * Math.PI) / 180), Math.sin((d * Math.PI) / 180)]));
    const a = angles([0, 10, 80]);
    const b = angles([0, 60, 12]);
    // a -> b: 0 finds 0; 10 finds 12 (patient 2), own 60; 80 finds 60 (patient 1), own 12 last. 1 of 3.
    // b -> a: 0 finds 0; 60 finds 80, own 10; 12 finds 10, own 80. 1 of 3.
    expect(retrievalRecall(a, b, { count: 3, width: 2, ks: [1] })[0]!.recall).toBeCloseTo(1 / 3, 12);
    // At 2: 0 and 0 found; a: 10 -> [12, 0, 60] own third; 80 -> own (12) second. b: 60 -> [80, 10] own second; 12 -> [10, 0, 80] third.
    expect(retrievalRecall(a, b, { count: 3, width: 2, ks: [2] })[0]!.recall).toBeCloseTo((2 / 3 + 2 / 3) / 2, 12);
  });

  test('gives constant and zero embeddings exactly chance', () => {
    const constant = new Float32Array(8 * 4).fill(0.3);
    const [at1, at5] = retrievalRecall(constant, constant, { count: 8, width: 4, ks: [1, 5] });
    expect(at1!.recall).toBeCloseTo(1 / 8, 12);
    expect(at5!.recall).toBeCloseTo(5 / 8, 12);
    const zero = new Float32Array(8 * 4);
    expect(retrievalRecall(zero, constant, { count: 8, width: 4, ks: [1] })[0]!.recall).toBeCloseTo(1 / 8, 12);
  });

  test('is near chance for unrelated embeddings', () => {
    const random = createRandom('retrieval');
    const draw = () => Float32Array.from({ length: 200 * 6 }, () => random.normal());
    const [at5] = retrievalRecall(draw(), draw(), { count: 200, width: 6, ks: [5] });
    // 400 queries at 2.5 %: standard error 0.8 %.
    expect(Math.abs(at5!.recall - at5!.chance)).toBeLessThan(0.025);
  });

  test('refuses wrong sizes, no patients and values that are not finite', () => {
    expect(() => retrievalRecall(new Float32Array(4), new Float32Array(5), { count: 2, width: 2, ks: [1] })).toThrow(
      TypeError,
    );
    expect(() => retrievalRecall(new Float32Array(0), new Float32Array(0), { count: 0, width: 2, ks: [1] })).toThrow(
      RangeError,
    );
    const broken = Float32Array.of(1, Number.NaN);
    expect(() => retrievalRecall(broken, broken, { count: 1, width: 2, ks: [1] })).toThrow(/not finite/);
  });
});
