import { describe, expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { rocAuc } from './roc-auc.ts';
import { closestToPerfect, rocCurve } from './roc-curve.ts';

describe('rocCurve()', () => {
  test('has one point per distinct score and one before all', () => {
    const curve = rocCurve([1, 3, 3, 2], [0, 1, 0, 1]);
    expect([...curve.thresholds]).toEqual([4, 3, 2, 1]);
    expect([...curve.falsePositiveRates]).toEqual([0, 0.5, 0.5, 1]);
    expect([...curve.truePositiveRates]).toEqual([0, 0.5, 1, 1]);
  });

  test('has the AUC below it', () => {
    const random = createRandom('roc curve');
    const labels = [0, 1, ...Array.from({ length: 40 }, () => random.int(2))];
    const scores = labels.map((label) => label + random.int(5));
    const { falsePositiveRates: x, truePositiveRates: y } = rocCurve(scores, labels);
    let area = 0;
    for (let i = 1; i < x.length; i += 1) area += ((x[i]! - x[i - 1]!) * (y[i]! + y[i - 1]!)) / 2;
    expect(area).toBeCloseTo(rocAuc(scores, labels), 12);
  });

  test('refuses one class and scores that are not numbers', () => {
    expect(() => rocCurve([1, 2], [1, 1])).toThrow(RangeError);
    expect(() => rocCurve([1, Number.NaN], [0, 1])).toThrow('score 1 is NaN');
  });
});

describe('closestToPerfect()', () => {
  test('is the threshold that separates the classes where one does', () => {
    const best = closestToPerfect(rocCurve([0.1, 0.7, 0.4, 0.9], [0, 1, 0, 1]));
    expect(best).toEqual({ threshold: 0.7, falsePositiveRate: 0, truePositiveRate: 1 });
  });
});
