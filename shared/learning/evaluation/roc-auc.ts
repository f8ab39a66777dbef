import { classIndices } from './class-indices.ts';
import { midranks } from './midranks.ts';

/**
 * The area under the ROC curve: the probability that a positive scores above a negative, ties counting half
 * (the Mann-Whitney statistic). O(n log n).
 *
 * @param labels 0 or 1, one per score.
 * @throws {TypeError} when the two differ in length.
 * @throws {RangeError} when a class is empty, a label is neither 0 nor 1, or a score is NaN.
 */
export function rocAuc(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  if (scores.length !== labels.length) {
    throw new TypeError(`Cannot compute the AUC: ${scores.length} scores for ${labels.length} labels`);
  }
  const { positive, negative } = classIndices(labels, { atLeast: 1 });
  const ranks = midranks(scores);
  let rankSum = 0;
  for (const i of positive) rankSum += ranks[i]!;
  return (rankSum - (positive.length * (positive.length + 1)) / 2) / (positive.length * negative.length);
}
