/**
 * The update vector: what one site's training changed, as integers that can be added in any order.
 *
 * Little-endian words: first the sample count n_g of each layout group, then one code per parameter,
 *
 *   q_i = round( (n_g / Wmax) * clip(delta_i, C) * S ),   S = floor(2^29 / (N * C)),
 *
 * with N the sites invited to the round, C the plan's clip and Wmax its maximum sample count. The sum over sites then
 * holds sum(n_g * delta_i) and sum(n_g), whose quotient is the sample-weighted mean of each group.
 *
 * Words are int32 and added modulo 2^32, or int16 (`codeBits` 16) and added modulo 2^16, with 2^13 for 2^29. A count does
 * not fit a short word, so it is spread over digits (sample-counts.ts), and what rounding leaves out, which is more, is
 * kept by the site and added to its next update (error feedback).
 *
 * Under central privacy (central-noise.ts) the scale leaves room for noise, all sites weigh the same, and the codes' L2
 * norm is bounded.
 *
 * Whoever opens a vector learns that site's sample counts and mean change; the envelope around it (sealed-envelope.ts)
 * decides who that is.
 */
import {
  type CodeBits,
  type CodeWords,
  codeWordsFromBytes,
  createCodeWords,
} from '@wardround/shared/bytes/code-words.ts';
import {
  addModulo,
  allWithin,
  decodeFixedPoint,
  encodeFixedPoint,
  encodeWithResidual,
  fixedPointScale,
  largestCode,
} from '@wardround/shared/bytes/fixed-point.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import type { ParameterLayout } from '@wardround/shared/tensors/layout.ts';
import { type CentralNoiseTerms, centralNoise } from './central-noise.ts';
import { LARGEST_DIGIT, readSampleCounts, sampleCountWords, writeSampleCounts } from './sample-counts.ts';

export interface UpdateCode {
  readonly layout: ParameterLayout;
  /** C: each coordinate of a site's mean change is clipped to plus or minus this. */
  readonly clip: number;
  /** Wmax: the largest sample count a site may claim. */
  readonly maximumSampleCount: number;
  /** N: the sites invited to the round. */
  readonly sites: number;
  /** Of each word; 32 where left out. */
  readonly codeBits?: CodeBits | undefined;
  /** With central privacy: what the noise follows from. */
  readonly central?: CentralNoiseTerms | undefined;
}

/** Why a received vector cannot be added. */
export type UpdateFault = 'update-wrong-length' | 'update-sample-count' | 'update-empty' | 'update-out-of-range';

/** The training gave NaN or an infinity, so there is nothing to send. */
export class UpdateNotFiniteError extends Error {
  override readonly name = 'UpdateNotFiniteError';
}

/**
 * S, after checking that neither the codes nor the sample counts of N sites can exceed a word when added.
 *
 * @throws {RangeError} when they could.
 */
export function updateCodeScale(code: Omit<UpdateCode, 'layout'>): number {
  const { clip, maximumSampleCount, sites, codeBits = 32, central } = code;
  if (!Number.isInteger(maximumSampleCount) || maximumSampleCount < 1 || sites * maximumSampleCount > 0x7fff_ffff) {
    throw new RangeError(
      `Cannot code updates: sites times maximumSampleCount must be from 1 to 2147483647, found ${sites} times ` +
        `${maximumSampleCount}. Lower the plan's protection.maximumSampleCount to what the largest site needs.`,
    );
  }
  if (codeBits === 16 && sites * LARGEST_DIGIT > 2 ** 13) {
    throw new RangeError(`Cannot code updates in 16 bits: at most 1170 sites fit, found ${sites}`);
  }
  if (central !== undefined) return centralNoise(central, { clip, sites, codeBits }).scale;
  return fixedPointScale(sites, clip, { codeBits });
}

/** How many words a vector has. */
export function updateVectorLength(layout: ParameterLayout, codeBits: CodeBits = 32): number {
  return sampleCountWords(layout.groups.length, codeBits) + layout.size;
}

/** How many bytes a vector has. */
export function updateVectorBytes(layout: ParameterLayout, codeBits: CodeBits = 32): number {
  return (codeBits / 8) * updateVectorLength(layout, codeBits);
}

/** How often codes are made anew under central privacy until their norm is near its bound. Commonly it is once or twice. */
const MOST_SHORTENINGS = 24;
const NEAR_ENOUGH = 0.9;

/**
 * @param delta local minus global weights, in layout order.
 * @returns the vector's bytes and how many coordinates were clipped.
 * @throws {UpdateNotFiniteError} when a coordinate is NaN or infinite.
 * @throws {RangeError} when a length or a sample count does not fit the code.
 */
export function encodeUpdate(
  delta: Float32Array,
  options: UpdateCode & {
    /** n_g: how many samples trained each layout group, in the layout's order of groups; 0 for a group left untrained. */
    readonly sampleCounts: readonly number[];
    /**
     * What earlier updates left out, one number a parameter, in units of weighted change; what this one leaves out is
     * written in its place. Without it there is no error feedback.
     */
    readonly residual?: Float32Array | undefined;
  },
): { vector: Uint8Array; clippedCoordinates: number } {
  const { layout, sampleCounts, maximumSampleCount, residual, central, codeBits = 32 } = options;
  if (delta.length !== layout.size || (residual !== undefined && residual.length !== layout.size)) {
    const found = delta.length !== layout.size ? delta.length : residual!.length;
    throw new RangeError(`Cannot encode the update: needed ${layout.size} coordinates, found ${found}`);
  }
  if (sampleCounts.length !== layout.groups.length || !sampleCounts.every((n) => validCount(n, maximumSampleCount))) {
    throw new RangeError(
      `Cannot encode the update: needed ${layout.groups.length} whole sample counts from 0 to ${maximumSampleCount}, ` +
        `found [${sampleCounts.join(', ')}]`,
    );
  }
  if (central !== undefined && sampleCounts.some((n) => n !== maximumSampleCount)) {
    throw new RangeError(
      'Cannot encode the update: under central privacy every group must count as maximumSampleCount',
    );
  }
  const vector = createCodeWords(updateVectorLength(layout, codeBits), codeBits);
  writeSampleCounts(sampleCounts, vector);
  const codes = vector.subarray(sampleCountWords(layout.groups.length, codeBits));
  const clippedCoordinates =
    central === undefined
      ? encodeCodes(delta, codes, { ...options, gain: 1 })
      : encodeWithin(delta, codes, { ...options, central });
  return { vector: littleEndianBytes(vector), clippedCoordinates };
}

interface Encoding extends UpdateCode {
  readonly sampleCounts: readonly number[];
  readonly residual?: Float32Array | undefined;
}

/** Shortens the update until the norm of its whole-numbered codes is within the bound: rounding can lengthen it. */
function encodeWithin(
  delta: Float32Array,
  codes: CodeWords,
  options: Encoding & { readonly central: CentralNoiseTerms },
): number {
  const { central, clip, sites, codeBits = 32, residual } = options;
  const { largestNorm } = centralNoise(central, { clip, sites, codeBits });
  const carried = residual === undefined ? undefined : Float32Array.from(residual);
  const encodeAt = (gain: number) => {
    if (carried !== undefined) residual!.set(carried);
    const clipped = encodeCodes(delta, codes, { ...options, gain });
    return { gain, clipped, norm: normOfCodes(codes) };
  };
  let fits = { gain: 0, clipped: 0, norm: 0 };
  let tried = encodeAt(1);
  let tooLong = tried.gain;
  for (let attempt = 0; attempt < MOST_SHORTENINGS; attempt += 1) {
    if (tried.norm <= largestNorm) fits = tried;
    else tooLong = tried.gain;
    if (fits.gain === 1 || fits.norm >= NEAR_ENOUGH * largestNorm) break;
    // Where codes are few and small the norm jumps with the gain: halving finds how many of the largest have room.
    const shortened = tried.gain * Math.min(largestNorm / tried.norm, 1 - 2 ** -20);
    tried = encodeAt(fits.gain === 0 ? shortened : (fits.gain + tooLong) / 2);
  }
  if (tried.gain !== fits.gain) encodeAt(fits.gain);
  return fits.clipped;
}

/** Not below the true norm: the margin covers the rounding of 2^31 squares. */
function normOfCodes(codes: CodeWords): number {
  let squares = 0;
  for (let i = 0; i < codes.length; i += 1) squares += codes[i]! * codes[i]!;
  return Math.sqrt(squares) * (1 + 2 ** -20);
}

function encodeCodes(delta: Float32Array, codes: CodeWords, options: Encoding & { readonly gain: number }): number {
  const { layout, sampleCounts, clip, maximumSampleCount, residual, gain } = options;
  const scale = updateCodeScale(options);
  let clippedCoordinates = 0;
  for (const { name, offset, size, group } of layout.tensors) {
    const end = offset + size;
    const sampleCount = sampleCounts[layout.groups.indexOf(group)]!;
    const [values, own] = [delta.subarray(offset, end), codes.subarray(offset, end)];
    const clipped =
      residual === undefined
        ? encodeFixedPoint(values, own, { clip, factor: groupFactor(sampleCount, maximumSampleCount, scale), gain })
        : encodeWithResidual(values, own, {
            clip,
            scale,
            weight: sampleCount / maximumSampleCount,
            residual: residual.subarray(offset, end),
            gain,
          });
    if (clipped < 0) {
      throw new UpdateNotFiniteError(
        `Cannot encode the update: every coordinate must be finite, found NaN or an infinity in "${name}". ` +
          `The training diverged: lower the learning rate or look at the loss.`,
      );
    }
    clippedCoordinates += clipped;
  }
  return clippedCoordinates;
}

/** Whether a received vector can be added: null, or the reason why not. Every code must be one that its site could have made. */
export function checkUpdate(vector: Uint8Array, options: UpdateCode): UpdateFault | null {
  const { layout, clip, maximumSampleCount, codeBits = 32 } = options;
  const scale = updateCodeScale(options);
  if (vector.length !== updateVectorBytes(layout, codeBits)) return 'update-wrong-length';
  const numbers = codeWordsFromBytes(vector, codeBits);
  const firstCode = sampleCountWords(layout.groups.length, codeBits);
  const sampleCounts = readSampleCounts(numbers, { groups: layout.groups.length, sites: 1 });
  if (!sampleCounts?.every((n) => validCount(n, maximumSampleCount))) return 'update-sample-count';
  if (sampleCounts.every((n) => n === 0)) return 'update-empty';
  for (const { offset, size, group } of layout.tensors) {
    const factor = groupFactor(sampleCounts[layout.groups.indexOf(group)]!, maximumSampleCount, scale);
    const codes = numbers.subarray(firstCode + offset, firstCode + offset + size);
    if (!allWithin(codes, largestCode(clip, factor))) return 'update-out-of-range';
  }
  return null;
}

/**
 * Adds a checked vector to the sum modulo 2^32, or 2^16: exact, and the same in any order.
 *
 * @param sum `updateVectorLength` words, zero before the first vector.
 */
export function addUpdate(sum: CodeWords, vector: Uint8Array): void {
  addModulo(sum, codeWordsFromBytes(vector, sum.BYTES_PER_ELEMENT === 2 ? 16 : 32));
}

/**
 * The sample-weighted mean change of each group and the group's number of samples; the change is zero where no site had
 * samples. Only divisions in a fixed order, so all machines agree to the bit.
 *
 * @throws {RangeError} when the sum does not fit the code.
 */
export function decodeSum(sum: CodeWords, options: UpdateCode): { meanDelta: Float32Array; sampleCounts: number[] } {
  const { layout, maximumSampleCount, codeBits = 32 } = options;
  const scale = updateCodeScale(options);
  if (8 * sum.BYTES_PER_ELEMENT !== codeBits) {
    throw new TypeError(
      `Cannot decode the sum: needed ${codeBits}-bit words, found ${8 * sum.BYTES_PER_ELEMENT}-bit ones`,
    );
  }
  if (sum.length !== updateVectorLength(layout, codeBits)) {
    throw new RangeError(
      `Cannot decode the sum: needed ${updateVectorLength(layout, codeBits)} numbers, found ${sum.length}`,
    );
  }
  const sampleCounts = sumOfSampleCounts(sum, options);
  const firstCode = sampleCountWords(layout.groups.length, codeBits);
  const meanDelta = new Float32Array(layout.size);
  for (const { offset, size, group } of layout.tensors) {
    const factor = groupFactor(sampleCounts[layout.groups.indexOf(group)]!, maximumSampleCount, scale);
    if (factor === 0) continue;
    const codes = sum.subarray(firstCode + offset, firstCode + offset + size);
    decodeFixedPoint(codes, meanDelta.subarray(offset, offset + size), factor);
  }
  return { meanDelta, sampleCounts };
}

/** What the sum of a group's codes is divided by to become its mean change; 0 for a group without samples. */
export function meanDivisor(sampleCount: number, options: Omit<UpdateCode, 'layout'>): number {
  return groupFactor(sampleCount, options.maximumSampleCount, updateCodeScale(options));
}

/**
 * The sample counts that a sum begins with, added up over the sites.
 *
 * @param sum the sum or its beginning, at least as far as the counts go.
 * @throws {RangeError} when so many sites cannot have them.
 */
export function sumOfSampleCounts(sum: CodeWords, code: UpdateCode): number[] {
  const { layout, sites, maximumSampleCount } = code;
  const sampleCounts = readSampleCounts(sum, { groups: layout.groups.length, sites });
  if (sampleCounts?.every((n) => validCount(n, sites * maximumSampleCount))) return sampleCounts;
  throw new RangeError(
    `Cannot decode the sum: sample counts must be from 0 to ${sites * maximumSampleCount}, found [${sampleCounts?.join(', ') ?? 'digits that no sites have'}]`,
  );
}

/** (n / Wmax) * S: what a coordinate of a group with n samples is multiplied by. */
function groupFactor(sampleCount: number, maximumSampleCount: number, scale: number): number {
  return (sampleCount / maximumSampleCount) * scale;
}

function validCount(count: number, maximum: number): boolean {
  return Number.isInteger(count) && count >= 0 && count <= maximum;
}
