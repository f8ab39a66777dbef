import { describe, expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { rocAuc } from './roc-auc.ts';

/** The definition, pair by pair. */
function pairwiseAuc(scores: number[], labels: number[]): number {
  let sum = 0;
  let pairs = 0;
  for (const [i, positive] of scores.entries()) {
    for (const [j, negative] of scores.entries()) {
      if (labels[i] !== 1 || labels[j] !== 0) continue;
      pairs++;
      sum += positive > negative ? 1 : positive === negative ? 0.5 : 0;
    }
  }
  return sum / pairs;
}

describe('rocAuc()', () => {
  test('is 1 when every positive scores above every negative, 0 when below, 0.5 when all are equal', () => {
    expect(rocAuc([1, 2, 3, 4], [0, 0, 1, 1])).toBe(1);
    expect(rocAuc([1, 2, 3, 4], [1, 1, 0, 0])).toBe(0);
    expect(rocAuc([7, 7, 7], [0, 1, 1])).toBe(0.5);
  });

  test('equals the share of ordered pairs with ties counting half', () => {
    const random = createRandom('roc-auc');
    for (let trial = 0; trial < 20; trial++) {
      const labels = [0, 1, ...Array.from({ length: 28 }, () => random.int(2))];
      const scores = labels.map((label) => random.int(6) + label);
      expect(rocAuc(scores, labels)).toBeCloseTo(pairwiseAuc(scores, labels), 12);
    }
  });

  test('takes infinite scores as the largest and smallest', () => {
    expect(rocAuc([Number.NEGATIVE_INFINITY, 0, Number.POSITIVE_INFINITY], [0, 0, 1])).toBe(1);
  });

  test('refuses one class, foreign labels, NaN scores and different lengths', () => {
    expect(() => rocAuc([1, 2], [1, 1])).toThrow(/2 positive and 0 negative/);
    expect(() => rocAuc([1, 2], [0, 2])).toThrow(RangeError);
    expect(() => rocAuc([1, Number.NaN], [0, 1])).toThrow(/NaN/);
    expect(() => rocAuc([1], [0, 1])).toThrow(TypeError);
  });
});
