import { describe, expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import {
  fitLogisticRegression,
  type LogisticRegression,
  LogisticRegressionNotConvergedError,
  logits,
} from './logistic-regression.ts';

function problem(rows: number, width: number) {
  const random = createRandom(`logistic-regression/${rows}/${width}`);
  const direction = Array.from({ length: width }, () => random.normal());
  const features = Float64Array.from({ length: rows * width }, () => random.normal());
  const labels = Array.from({ length: rows }, (_, row) => {
    const margin = direction.reduce((sum, weight, i) => sum + weight * features[row * width + i]!, 0);
    return margin + 2 * random.normal() > 0.5 ? 1 : 0;
  });
  return { features, labels };
}

/** The gradient of |w|^2 / 2 + C * sum of log losses, intercept last. */
function gradient(model: LogisticRegression, features: Float64Array, labels: number[], c: number): number[] {
  const width = model.weights.length;
  const margins = logits(model, features);
  const slopes = labels.map((label, row) => c * (1 / (1 + Math.exp(-margins[row]!)) - label));
  const ofWeights = Array.from(model.weights, (weight, i) =>
    slopes.reduce((sum, slope, row) => sum + slope * features[row * width + i]!, weight),
  );
  return [...ofWeights, slopes.reduce((sum, slope) => sum + slope, 0)];
}

describe('fitLogisticRegression()', () => {
  test.each([
    [60, 6, 0.5],
    [60, 6, 1e-4],
    [60, 6, 1e4],
    [20, 50, 3.84],
    [2, 192, 3.84],
    [40, 40, 1],
  ])('reaches the optimum for %i rows of width %i at C = %d', (rows, width, c) => {
    const { features, labels } = problem(rows, width);
    if (!labels.includes(0)) labels[0] = 0;
    if (!labels.includes(1)) labels[0] = 1;
    const model = fitLogisticRegression(features, labels, { inverseRegularisation: c });
    for (const slope of gradient(model, features, labels, c))
      expect(Math.abs(slope)).toBeLessThan(1e-7 * Math.max(1, c));
  });

  test('solving in the span of the rows gives the optimum of the full problem', () => {
    const { features, labels } = problem(30, 12);
    const c = 0.7;
    const tall = fitLogisticRegression(features, labels, { inverseRegularisation: c });
    // The same rows in a wider space: rotate nothing, append zero columns until there are fewer rows than features.
    const wide = new Float64Array(30 * 40);
    for (let row = 0; row < 30; row++) wide.set(features.subarray(row * 12, (row + 1) * 12), row * 40);
    const reduced = fitLogisticRegression(wide, labels, { inverseRegularisation: c });
    for (let i = 0; i < 12; i++) expect(reduced.weights[i]).toBeCloseTo(tall.weights[i]!, 8);
    for (let i = 12; i < 40; i++) expect(reduced.weights[i]).toBeCloseTo(0, 12);
    expect(reduced.intercept).toBeCloseTo(tall.intercept, 8);
  });

  test('gives the log-odds of the labels when the features say nothing', () => {
    for (const width of [2, 9]) {
      const model = fitLogisticRegression(new Float32Array(4 * width), [1, 1, 1, 0], { inverseRegularisation: 1 });
      expect([...model.weights]).toEqual(new Array(width).fill(0));
      expect(model.intercept).toBeCloseTo(Math.log(3), 8);
    }
  });

  test('stays finite when the classes are separable and the penalty is weak', () => {
    const model = fitLogisticRegression(Float64Array.of(-3, -2, 2, 5), [0, 0, 1, 1], { inverseRegularisation: 1e6 });
    expect(Number.isFinite(model.weights[0])).toBe(true);
    const [slope] = gradient(model, Float64Array.of(-3, -2, 2, 5), [0, 0, 1, 1], 1e6);
    expect(Math.abs(slope!)).toBeLessThan(1e-5);
  });

  test('refuses one class, values that are not finite, and a penalty that is not positive', () => {
    expect(() => fitLogisticRegression(Float64Array.of(1, 2), [1, 1], { inverseRegularisation: 1 })).toThrow(
      RangeError,
    );
    expect(() => fitLogisticRegression(Float64Array.of(1, Number.NaN), [0, 1], { inverseRegularisation: 1 })).toThrow(
      /not finite/,
    );
    expect(() => fitLogisticRegression(Float64Array.of(1, 2), [0, 1], { inverseRegularisation: 0 })).toThrow(
      /positive/,
    );
    expect(() => fitLogisticRegression(Float64Array.of(1, 2, 3), [0, 1], { inverseRegularisation: 1 })).toThrow(
      TypeError,
    );
  });

  test('fails by name when the scale of the features is beyond double precision', () => {
    const { features, labels } = problem(20, 3);
    const scaled = features.map((value) => value * 1e160);
    expect(() => fitLogisticRegression(scaled, labels, { inverseRegularisation: 1 })).toThrow(
      LogisticRegressionNotConvergedError,
    );
  });
});
