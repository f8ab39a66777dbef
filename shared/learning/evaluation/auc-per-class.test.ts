import { describe, expect, test } from 'vitest';
import { multiClassAuc, multiLabelAuc } from './auc-per-class.ts';
import { rocAuc } from './roc-auc.ts';

describe('multiClassAuc()', () => {
  test('is the binary AUC for each of two classes with complementary scores', () => {
    const scores = [0.9, 0.4, 0.7, 0.2];
    const labels = [1, 0, 0, 1];
    const both = scores.flatMap((score) => [1 - score, score]);
    const expected = rocAuc(scores, labels);
    const { perClass, macro, weighted } = multiClassAuc(both, labels, { classes: 2 });
    expect([...perClass, macro, weighted]).toEqual(new Array(4).fill(expected));
  });

  test('weights classes by how often they occur', () => {
    const scores = [1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0.2, 0.1];
    const { perClass, macro, weighted } = multiClassAuc(scores, [0, 0, 0, 1, 2], { classes: 3 });
    expect(macro).toBeCloseTo((perClass[0]! + perClass[1]! + perClass[2]!) / 3, 12);
    expect(weighted).toBeCloseTo((3 * perClass[0]! + perClass[1]! + perClass[2]!) / 5, 12);
  });

  test('refuses a class that never occurs', () => {
    expect(() => multiClassAuc([1, 0, 0, 1], [0, 0], { classes: 2 })).toThrow(RangeError);
  });
});

describe('multiLabelAuc()', () => {
  test('pools items and labels for the micro mean', () => {
    const scores = [0.9, 0.1, 0.2, 0.8, 0.7, 0.3, 0.4, 0.6];
    const truth = [1, 0, 0, 1, 0, 0, 1, 1];
    const result = multiLabelAuc(scores, truth, { labels: 2 });
    expect(result.aucMicro).toBe(rocAuc(scores, truth));
    expect([...result.aucPerLabel]).toEqual([rocAuc([0.9, 0.2, 0.7, 0.4], [1, 0, 0, 1]), 1]);
    expect(result.meanAveragePrecision).toBeCloseTo((result.averagePrecisionPerLabel[0]! + 1) / 2, 12);
  });
});
