/** From the weights before and after a local round to the update vector that is sealed. */
import { encodeUpdate, type UpdateCode, UpdateNotFiniteError } from '@wardround/protocols/transfer/update-code.ts';
import { limitNorm, type NormLimit, type NormLimitAction } from '@wardround/shared/aggregation/robust/limit-norm.ts';
import { DeclineError } from './decline-error.ts';

export interface TrainedWeights {
  readonly before: Float32Array;
  readonly after: Float32Array;
  /** Per layout group; a group that is not named was not trained. */
  readonly sampleCounts: Readonly<Record<string, number>>;
}

export interface EncodedUpdate {
  readonly vector: Uint8Array;
  readonly clippedCoordinates: number;
  /** Groups with more samples than the plan allows: they count with the plan's maximum. */
  readonly cappedGroups: readonly string[];
  /** What the limit of the whole update's norm did; null without a limit. */
  readonly normLimit: NormLimitAction | null;
}

/**
 * The delta (after minus before, in float32) as fixed-point integers weighted by sample counts.
 *
 * @throws {DeclineError} `update-not-finite` when training produced NaN or infinity.
 */
export function updateFromWeights(
  { before, after, sampleCounts }: TrainedWeights,
  code: UpdateCode & {
    /** The plan's `protection.updateNormLimit`. */
    readonly normLimit?: NormLimit | undefined;
  },
): EncodedUpdate {
  if (before.length !== after.length) {
    throw new RangeError(`Cannot take the difference: ${before.length} weights before and ${after.length} after`);
  }
  const delta = new Float32Array(after.length);
  for (let i = 0; i < delta.length; i++) delta[i] = after[i]! - before[i]!;
  const normLimit = code.normLimit === undefined ? null : limitNorm(delta, code.normLimit);
  const counts = code.layout.groups.map((group) => sampleCounts[group] ?? 0);
  const allowed = counts.map((count) => Math.min(count, code.maximumSampleCount));
  try {
    const encoded = encodeUpdate(delta, { ...code, sampleCounts: allowed });
    const cappedGroups = code.layout.groups.filter((_, group) => counts[group] !== allowed[group]);
    return { ...encoded, cappedGroups, normLimit };
  } catch (error) {
    if (error instanceof UpdateNotFiniteError) throw new DeclineError('update-not-finite', error.message);
    throw error;
  }
}
