import { classIndices } from './class-indices.ts';

export interface RocCurve {
  /** Falling; the first is above every score, so that nothing counts as positive. */
  readonly thresholds: Float64Array;
  /** Shares of the negatives and of the positives whose scores reach the threshold. */
  readonly falsePositiveRates: Float64Array;
  readonly truePositiveRates: Float64Array;
}

/**
 * The ROC curve, one point per distinct score (a score at the threshold counts as positive) and one before all.
 *
 * @param labels 0 or 1, one per score.
 * @throws {RangeError} when a class is empty, a label is neither 0 nor 1, or a score is NaN.
 */
export function rocCurve(scores: ArrayLike<number>, labels: ArrayLike<number>): RocCurve {
  const { positive, negative } = classIndices(labels, { atLeast: 1 });
  const steps = thresholdSteps(scores, labels);
  return {
    thresholds: Float64Array.from([(steps[0]?.threshold ?? 0) + 1, ...steps.map(({ threshold }) => threshold)]),
    falsePositiveRates: Float64Array.from([0, ...steps.map((step) => step.falsePositives / negative.length)]),
    truePositiveRates: Float64Array.from([0, ...steps.map((step) => step.truePositives / positive.length)]),
  };
}

/** How many of each class reach each distinct score, from the highest score down. */
export function thresholdSteps(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
): { readonly threshold: number; readonly truePositives: number; readonly falsePositives: number }[] {
  const order = Array.from({ length: scores.length }, (_, index) => index);
  for (const index of order) {
    if (Number.isNaN(scores[index])) throw new RangeError(`Cannot rank the scores: score ${index} is NaN`);
  }
  order.sort((a, b) => scores[b]! - scores[a]!);
  const steps: { threshold: number; truePositives: number; falsePositives: number }[] = [];
  let truePositives = 0;
  order.forEach((index, place) => {
    truePositives += labels[index] === 1 ? 1 : 0;
    if (place + 1 < order.length && scores[order[place + 1]!] === scores[index]) return;
    steps.push({ threshold: scores[index]!, truePositives, falsePositives: place + 1 - truePositives });
  });
  return steps;
}

/** The curve's point closest to the perfect one, no false and all true positives: CT-CLIP's and fVLM's operating point. */
export function closestToPerfect({ thresholds, falsePositiveRates, truePositiveRates }: RocCurve): {
  readonly threshold: number;
  readonly falsePositiveRate: number;
  readonly truePositiveRate: number;
} {
  let best = 0;
  const distance = (point: number) => Math.hypot(falsePositiveRates[point]!, 1 - truePositiveRates[point]!);
  for (let point = 1; point < thresholds.length; point += 1) if (distance(point) < distance(best)) best = point;
  return {
    threshold: thresholds[best]!,
    falsePositiveRate: falsePositiveRates[best]!,
    truePositiveRate: truePositiveRates[best]!,
  };
}
