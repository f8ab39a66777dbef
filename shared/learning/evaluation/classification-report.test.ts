import { describe, expect, test } from 'vitest';
import { classificationReport } from './classification-report.ts';

describe('classificationReport()', () => {
  test('counts by true row and predicted column', () => {
    const { confusion, accuracy } = classificationReport([0, 0, 1, 2], [0, 1, 1, 2], { classes: 3 });
    expect([...confusion]).toEqual([1, 1, 0, 0, 1, 0, 0, 0, 1]);
    expect(accuracy).toBe(0.75);
  });

  test('gives 0 to a class that is never predicted, and leaves a class that never occurs out of the balance', () => {
    const report = classificationReport([0, 0, 1], [0, 0, 0], { classes: 3 });
    expect([...report.precisionPerClass]).toEqual([2 / 3, 0, 0]);
    expect([...report.f1PerClass]).toEqual([0.8, 0, 0]);
    expect(report.balancedAccuracy).toBe(0.5);
  });

  test('balances classes of different size', () => {
    const report = classificationReport([0, 0, 0, 0, 1], [0, 0, 0, 0, 0], { classes: 2 });
    expect(report.accuracy).toBe(0.8);
    expect(report.balancedAccuracy).toBe(0.5);
  });

  test('refuses lists of different length and classes out of range', () => {
    expect(() => classificationReport([0], [0, 1], { classes: 2 })).toThrow(TypeError);
    expect(() => classificationReport([], [], { classes: 2 })).toThrow(TypeError);
    expect(() => classificationReport([0, 2], [0, 1], { classes: 2 })).toThrow('item 1 has 2');
  });
});
