import { describe, expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { fitLogisticRegression } from './logistic-regression.ts';
import { classProbabilities, fitSoftmaxRegression, type SoftmaxRegression } from './softmax-regression.ts';

function problem({ rows, width, classes }: { rows: number; width: number; classes: number }) {
  const random = createRandom(`softmax-regression/${rows}/${width}`);
  const labels = Array.from({ length: rows }, (_, row) => row % classes);
  const features = Float64Array.from({ length: rows * width }, (_, index) => {
    const label = labels[Math.floor(index / width)]!;
    return random.normal() + (index % width === label ? 1.5 : 0);
  });
  return { features, labels, classes };
}

/** The largest slope of |W|^2 / 2 + C * sum of log losses at the model. */
function steepestSlope(model: SoftmaxRegression, { features, labels, classes }: ReturnType<typeof problem>, c: number) {
  const width = model.weights.length / classes;
  const probabilities = classProbabilities(model, features);
  let steepest = 0;
  for (let index = 0; index < classes; index += 1) {
    for (let i = 0; i <= width; i += 1) {
      let slope = i < width ? model.weights[index * width + i]! : 0;
      labels.forEach((label, row) => {
        const error = probabilities[row * classes + index]! - Number(label === index);
        slope += c * error * (i < width ? features[row * width + i]! : 1);
      });
      steepest = Math.max(steepest, Math.abs(slope));
    }
  }
  return steepest;
}

describe('fitSoftmaxRegression()', () => {
  test.each([
    { rows: 60, width: 6, classes: 3, c: 0.5 },
    { rows: 40, width: 5, classes: 4, c: 1e3 },
    { rows: 12, width: 50, classes: 3, c: 1 },
    { rows: 30, width: 4, classes: 2, c: 1e-3 },
  ])('reaches the optimum for $rows rows of width $width in $classes classes at C = $c', ({ c, ...sizes }) => {
    const data = problem(sizes);
    const model = fitSoftmaxRegression(data.features, data.labels, {
      classes: data.classes,
      inverseRegularisation: c,
    });
    expect(steepestSlope(model, data, c)).toBeLessThan(1e-6 * Math.max(1, c));
    expect(model.intercepts.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 10);
  });

  test('with two classes is the binary regression with half the penalty on the difference', () => {
    const { features, labels } = problem({ rows: 30, width: 3, classes: 2 });
    const two = fitSoftmaxRegression(features, labels, { classes: 2, inverseRegularisation: 0.6 });
    // |w/2|^2 + |-w/2|^2 = |w|^2 / 2: the binary model with C doubled.
    const one = fitLogisticRegression(features, labels, { inverseRegularisation: 1.2 });
    one.weights.forEach((weight, i) => {
      expect(two.weights[3 + i]! - two.weights[i]!).toBeCloseTo(weight, 8);
    });
  });

  test('refuses a missing class, labels out of range and values that are not finite', () => {
    const fit = (features: Float64Array, labels: number[], c = 1) =>
      fitSoftmaxRegression(features, labels, { classes: 3, inverseRegularisation: c });
    expect(() => fit(Float64Array.of(1, 2), [0, 1])).toThrow('found 2');
    expect(() => fit(Float64Array.of(1, 2, 3), [0, 1, 3])).toThrow('label 2 is 3');
    expect(() => fit(Float64Array.of(1, Number.NaN, 3), [0, 1, 2])).toThrow(/not finite/);
    expect(() => fit(Float64Array.of(1, 2, 3), [0, 1, 2], 0)).toThrow(/positive/);
    expect(() => fit(Float64Array.of(1, 2, 3, 4), [0, 1, 2])).toThrow(TypeError);
  });
});
