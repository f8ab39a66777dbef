import { classIndices } from './class-indices.ts';
import { thresholdSteps } from './roc-curve.ts';

/**
 * Average precision: the precision at each distinct threshold weighted by the recall gained there, the step form, not the
 * trapezoid, which is too optimistic.
 *
 * @param labels 0 or 1, one per score.
 * @throws {RangeError} when a class is empty, a label is neither 0 nor 1, or a score is NaN.
 */
export function averagePrecision(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  const positives = classIndices(labels, { atLeast: 1 }).positive.length;
  let before = 0;
  let sum = 0;
  for (const { truePositives, falsePositives } of thresholdSteps(scores, labels)) {
    sum += ((truePositives - before) / positives) * (truePositives / (truePositives + falsePositives));
    before = truePositives;
  }
  return sum;
}
