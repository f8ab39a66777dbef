/**
 * From the weights before and after a local round to the update vector that is sealed: the difference, limited, coded and,
 * under central privacy, with this site's share of noise. Without that noise the codes are nowhere then but in this function.
 */
import { randomBytes as secureRandomBytes } from 'node:crypto';
import { centralNoise } from '@wardround/protocols/transfer/central-noise.ts';
import { sampleCountWords } from '@wardround/protocols/transfer/sample-counts.ts';
import { encodeUpdate, type UpdateCode, UpdateNotFiniteError } from '@wardround/protocols/transfer/update-code.ts';
import { limitNorm, type NormLimit, type NormLimitAction } from '@wardround/shared/aggregation/robust/limit-norm.ts';
import { codeWordsFromBytes } from '@wardround/shared/bytes/code-words.ts';
import { addCodeNoise } from '@wardround/shared/privacy/code-noise.ts';
import { createRandomWords, type RandomBytes } from '@wardround/shared/privacy/random-words.ts';
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
 * The delta (after minus before, in float32) as fixed-point integers weighted by sample counts; under central privacy every
 * group of every site counts as the plan's maximum, as counts have no noise.
 *
 * @throws {DeclineError} `update-not-finite` when training produced NaN or infinity, `update-empty` when nothing was trained on.
 */
export function updateFromWeights(
  { before, after, sampleCounts }: TrainedWeights,
  code: UpdateCode & {
    /** The plan's `protection.updateNormLimit`. */
    readonly normLimit?: NormLimit | undefined;
    /** What earlier updates left out; what this one leaves out is written in its place. Null without error feedback. */
    readonly residual?: Float32Array | null;
    /** A cryptographic source, for tests; used under central privacy alone. */
    readonly randomBytes?: RandomBytes;
  },
): EncodedUpdate {
  if (before.length !== after.length) {
    throw new RangeError(`Cannot take the difference: ${before.length} weights before and ${after.length} after`);
  }
  const delta = new Float32Array(after.length);
  for (let i = 0; i < delta.length; i++) delta[i] = after[i]! - before[i]!;
  const normLimit = code.normLimit === undefined ? null : limitNorm(delta, code.normLimit);
  const counts = code.layout.groups.map((group) => sampleCounts[group] ?? 0);
  const most = code.maximumSampleCount;
  const allowed = counts.map((count) => (code.central === undefined ? Math.min(count, most) : most));
  // Under central privacy every site sends, so that nobody sees which had nothing.
  if (code.central === undefined && counts.every((count) => count === 0)) {
    throw new DeclineError('update-empty', 'Cannot send an update: the training used no samples of any kind.');
  }
  try {
    const encoded = encodeUpdate(delta, { ...code, residual: code.residual ?? undefined, sampleCounts: allowed });
    addNoise(encoded.vector, code);
    const cappedGroups = code.layout.groups.filter((_, group) => counts[group]! > most);
    return { ...encoded, cappedGroups, normLimit };
  } catch (error) {
    if (error instanceof UpdateNotFiniteError) throw new DeclineError('update-not-finite', error.message);
    throw error;
  }
}

/** This site's share of the noise that central privacy needs, on the codes; the sample counts are the same for all sites. */
function addNoise(vector: Uint8Array, code: UpdateCode & { readonly randomBytes?: RandomBytes }): void {
  const { central, clip, sites, codeBits = 32, layout, randomBytes = secureRandomBytes } = code;
  if (central === undefined) return;
  const { deviationBits } = centralNoise(central, { clip, sites, codeBits });
  const codes = codeWordsFromBytes(vector, codeBits).subarray(sampleCountWords(layout.groups.length, codeBits));
  addCodeNoise(codes, { words: createRandomWords(randomBytes), deviationBits });
}
