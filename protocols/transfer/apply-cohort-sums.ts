/**
 * What the published sums of a round's cohorts do to the weights, piece by piece, as apply-sum.ts says for one sum: each
 * cohort's codes become its mean change, a rule by coordinate takes the place of the mean over the cohorts, each of which
 * counts once, and the server takes its step with that. Means are rounded to float32 and the rule adds up in float64 from the
 * smallest value to the largest, so that coordinator and sites compute the same bits.
 */
import { coordinateMedian, trimmedMean } from '@wardround/shared/aggregation/robust/coordinate-wise.ts';
import { fewestUpdates, type RobustRule } from '@wardround/shared/aggregation/robust/robust-rule.ts';
import { type ServerOptimiser, stepCoordinates } from '@wardround/shared/aggregation/server-optimiser.ts';
import type { CodeWords } from '@wardround/shared/bytes/code-words.ts';
import { decodeFixedPoint } from '@wardround/shared/bytes/fixed-point.ts';
import type { SumPiece } from './apply-sum.ts';
import { meanDivisor, type UpdateCode } from './update-code.ts';

/** Coordinates whose means are in memory at a time. */
const RUN = 1 << 14;

/** Arrays of the same length, for consecutive parameters of the layout. */
export interface CohortSumsPiece extends Omit<SumPiece, 'codes'> {
  /** The codes of each cohort's sum, after its sample counts. */
  readonly codes: readonly CodeWords[];
}

/**
 * Takes the server's step, in place. A group that fewer cohorts trained than the rule needs keeps its weights and the
 * optimiser's state.
 *
 * @param options `sampleCounts`: each cohort's, per layout group.
 * @returns the sum of the squares of the weights' changes.
 * @throws {RangeError} when the arrays do not fit together, the layout, the optimiser or the rule.
 */
export function applyCohortSumsPiece(
  piece: CohortSumsPiece,
  options: {
    readonly code: UpdateCode;
    readonly sampleCounts: readonly (readonly number[])[];
    readonly rule: RobustRule;
    readonly server: ServerOptimiser;
  },
): number {
  const { firstParameter, codes, weights, momentum, secondMoment } = piece;
  const { code, sampleCounts, rule, server } = options;
  const { tensors, groups, size } = code.layout;
  const end = firstParameter + weights.length;
  const isWhole = codes.length === sampleCounts.length && codes.every(({ length }) => length === weights.length);
  if (!Number.isSafeInteger(firstParameter) || firstParameter < 0 || end > size || !isWhole) {
    throw new RangeError(
      `Cannot apply the cohorts' sums: needed as many codes of each as weights, within ${size} parameters, found ` +
        `${weights.length} weights from parameter ${firstParameter} on and ${codes.length} sums with the sample counts of ${sampleCounts.length}`,
    );
  }
  let squares = 0;
  for (const tensor of tensors) {
    const from = Math.max(firstParameter, tensor.offset) - firstParameter;
    const to = Math.min(end, tensor.offset + tensor.size) - firstParameter;
    const group = groups.indexOf(tensor.group);
    const trained = codes.flatMap((words, cohort) => {
      const divisor = meanDivisor(sampleCounts[cohort]![group]!, code);
      return divisor === 0 ? [] : [{ words, divisor }];
    });
    if (trained.length < fewestUpdates(rule)) continue;
    for (let first = from; first < to; first += RUN) {
      const last = Math.min(to, first + RUN);
      const means = trained.map(({ words, divisor }) => {
        const mean = new Float32Array(last - first);
        decodeFixedPoint(words.subarray(first, last), mean, divisor);
        return mean;
      });
      squares += stepCoordinates(server, {
        weights: weights.subarray(first, last),
        change: ruleOver(means, rule),
        divisor: 1,
        momentum: momentum?.subarray(first, last) ?? null,
        secondMoment: secondMoment?.subarray(first, last) ?? null,
      });
    }
  }
  return squares;
}

function ruleOver(means: readonly Float32Array[], rule: RobustRule): Float32Array {
  switch (rule.kind) {
    case 'median':
      return coordinateMedian(means);
    case 'trimmed-mean':
      return trimmedMean(means, { trim: rule.faulty });
    default:
      throw new RangeError(`Cannot aggregate cohorts by ${rule.kind}: needed median or trimmed-mean`);
  }
}
