/**
 * The sampling error of an AUC, and of the difference of two AUCs on the same patients, without assumptions about the
 * scores' distribution: DeLong, DeLong and Clarke-Pearson 1988, computed from ranks as in Sun and Xu 2014, O(n log n).
 *
 * The estimate is zero when the classes are separated without error; it says nothing about the choice of training patients.
 */
import { classIndices } from './class-indices.ts';
import { midranks } from './midranks.ts';

/** Per positive, the share of negatives it beats; per negative, the share of positives that beat it. Means: the AUC. */
interface Placements {
  readonly positive: Float64Array;
  readonly negative: Float64Array;
}

function placements(scores: ArrayLike<number>, labels: ArrayLike<number>): Placements {
  if (scores.length !== labels.length) {
    throw new TypeError(`Cannot compute the error of the AUC: ${scores.length} scores for ${labels.length} labels`);
  }
  const classes = classIndices(labels, { atLeast: 2 });
  const overall = midranks(scores);
  const within = (indices: readonly number[]) => midranks(indices.map((i) => scores[i]!));
  const amongPositive = within(classes.positive);
  const amongNegative = within(classes.negative);
  return {
    positive: Float64Array.from(
      classes.positive,
      (i, at) => (overall[i]! - amongPositive[at]!) / classes.negative.length,
    ),
    negative: Float64Array.from(
      classes.negative,
      (i, at) => 1 - (overall[i]! - amongNegative[at]!) / classes.positive.length,
    ),
  };
}

function mean(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** The squared standard error of the mean, from the unbiased variance. */
function meanVariance(values: Float64Array): number {
  const centre = mean(values);
  let sum = 0;
  for (const value of values) sum += (value - centre) ** 2;
  return sum / (values.length - 1) / values.length;
}

/**
 * The variance of `rocAuc(scores, labels)` over draws of patients.
 *
 * @throws {RangeError} when a class has fewer than two members, a label is neither 0 nor 1, or a score is NaN.
 */
export function aucVariance(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  const { positive, negative } = placements(scores, labels);
  return meanVariance(positive) + meanVariance(negative);
}

export interface PairedDifference {
  readonly difference: number;
  readonly standardError: number;
  /**
   * What each patient adds to the error: the sum of squares is the squared standard error, and for two tasks on the same
   * patients the sum of products is the covariance of their differences.
   */
  readonly contributions: Float64Array;
}

/**
 * AUC of `a` minus AUC of `b` for two scores of the same patients, and its standard error; what both get right or wrong on
 * the same patients cancels.
 *
 * @throws {RangeError} as `aucVariance`.
 */
export function pairedAucDifference(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  labels: ArrayLike<number>,
): PairedDifference {
  const ofA = placements(a, labels);
  const ofB = placements(b, labels);
  const positive = ofA.positive.map((value, i) => value - ofB.positive[i]!);
  const negative = ofA.negative.map((value, i) => value - ofB.negative[i]!);
  const classes = classIndices(labels, { atLeast: 2 });
  const contributions = new Float64Array(labels.length);
  for (const [indices, values] of [
    [classes.positive, positive],
    [classes.negative, negative],
  ] as const) {
    const centre = mean(values);
    const scale = Math.sqrt((values.length - 1) * values.length);
    for (const [at, index] of indices.entries()) contributions[index] = (values[at]! - centre) / scale;
  }
  return {
    difference: mean(positive),
    standardError: Math.sqrt(meanVariance(positive) + meanVariance(negative)),
    contributions,
  };
}
