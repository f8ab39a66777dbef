import { describe, expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { aucVariance, pairedAucDifference } from './delong.ts';
import { rocAuc } from './roc-auc.ts';

/** The 1988 definition: structural components from all pairs, their covariance matrices, then the contrast. */
function delongFromPairs(scores: number[][], labels: number[]): { variance: number[]; covariance: number } {
  const positive = labels.flatMap((label, i) => (label === 1 ? [i] : []));
  const negative = labels.flatMap((label, i) => (label === 0 ? [i] : []));
  const kernel = (x: number, y: number) => (x > y ? 1 : x === y ? 0.5 : 0);
  const average = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const components = scores.map((score) => ({
    v10: positive.map((i) => average(negative.map((j) => kernel(score[i]!, score[j]!)))),
    v01: negative.map((j) => average(positive.map((i) => kernel(score[i]!, score[j]!)))),
  }));
  const covarianceOf = (a: number[], b: number[]) =>
    a.reduce((sum, value, i) => sum + (value - average(a)) * (b[i]! - average(b)), 0) / (a.length - 1);
  const between = (r: number, s: number) =>
    covarianceOf(components[r]!.v10, components[s]!.v10) / positive.length +
    covarianceOf(components[r]!.v01, components[s]!.v01) / negative.length;
  return { variance: scores.map((_, r) => between(r, r)), covariance: scores.length > 1 ? between(0, 1) : 0 };
}

describe('aucVariance()', () => {
  test('equals the worked value for five patients', () => {
    // Positives 3, 1; negatives 0, 2, 2. V10 = (1, 1/3), V01 = (1, 1/2, 1/2):
    // variances 2/9 and 1/12, so 2/9 / 2 + 1/12 / 3 = 5/36.
    expect(aucVariance([3, 1, 0, 2, 2], [1, 1, 0, 0, 0])).toBeCloseTo(5 / 36, 12);
  });

  test('equals the definition by pairs, with ties', () => {
    const random = createRandom('delong');
    for (let trial = 0; trial < 20; trial++) {
      const labels = [0, 0, 1, 1, ...Array.from({ length: 30 }, () => random.int(2))];
      const scores = labels.map((label) => random.int(8) + label);
      expect(aucVariance(scores, labels)).toBeCloseTo(delongFromPairs([scores], labels).variance[0]!, 12);
    }
  });

  test('matches the spread of AUCs over repeated draws of patients', () => {
    const random = createRandom('delong-draws');
    const labels = Array.from({ length: 80 }, (_, i) => i % 2);
    const aucs: number[] = [];
    let variances = 0;
    for (let trial = 0; trial < 600; trial++) {
      const scores = labels.map((label) => random.normal() + label);
      aucs.push(rocAuc(scores, labels));
      variances += aucVariance(scores, labels) / 600;
    }
    const mean = aucs.reduce((a, b) => a + b, 0) / aucs.length;
    const spread = aucs.reduce((sum, auc) => sum + (auc - mean) ** 2, 0) / (aucs.length - 1);
    // 600 draws give the variance to about 6 %; the bound is three times that.
    expect(Math.abs(variances / spread - 1)).toBeLessThan(0.18);
  });

  test('refuses a class with a single member', () => {
    expect(() => aucVariance([1, 2, 3], [0, 0, 1])).toThrow(/at least 2 of each class.*1 positive/);
  });
});

describe('pairedAucDifference()', () => {
  test('equals the contrast of the covariance matrix by pairs', () => {
    const random = createRandom('delong-paired');
    const labels = [0, 0, 1, 1, ...Array.from({ length: 40 }, () => random.int(2))];
    const a = labels.map((label) => random.int(10) + 2 * label);
    const b = a.map((score) => score + random.int(7));
    const { variance, covariance } = delongFromPairs([a, b], labels);
    const paired = pairedAucDifference(a, b, labels);
    expect(paired.difference).toBeCloseTo(rocAuc(a, labels) - rocAuc(b, labels), 12);
    expect(paired.standardError).toBeCloseTo(Math.sqrt(variance[0]! + variance[1]! - 2 * covariance), 12);
    const squares = paired.contributions.reduce((sum, value) => sum + value ** 2, 0);
    expect(squares).toBeCloseTo(paired.standardError ** 2, 12);
  });

  test('contributions of two tasks on the same patients give the covariance of their differences over draws', () => {
    const random = createRandom('delong-tasks');
    const differences: [number, number][] = [];
    let expected = 0;
    for (let trial = 0; trial < 600; trial++) {
      // The same noise enters both tasks' scores, and their labels go together, so that their differences do.
      const labels = Array.from({ length: 80 }, (_, i) => i % 2);
      const noise = labels.map(() => random.normal());
      const task = () => {
        const good = labels.map((label, i) => label + noise[i]! + 0.5 * random.normal());
        const bad = labels.map((label) => 0.5 * label + random.normal());
        return pairedAucDifference(good, bad, labels);
      };
      const [one, other] = [task(), task()];
      differences.push([one.difference, other.difference]);
      expected += one.contributions.reduce((sum, value, i) => sum + value * other.contributions[i]!, 0) / 600;
    }
    const mean = (side: 0 | 1) => differences.reduce((sum, pair) => sum + pair[side], 0) / 600;
    const [a, b] = [mean(0), mean(1)];
    const covariance = differences.reduce((sum, pair) => sum + (pair[0] - a) * (pair[1] - b), 0) / 599;
    // 600 draws give a covariance of this size to about 8 %; the bound is three times that.
    expect(Math.abs(expected / covariance - 1)).toBeLessThan(0.25);
  });

  test('is exactly zero with no error for a score against itself', () => {
    expect(pairedAucDifference([1, 5, 2, 4], [1, 5, 2, 4], [0, 1, 1, 0])).toEqual({
      difference: 0,
      standardError: 0,
      contributions: new Float64Array(4),
    });
  });
});
