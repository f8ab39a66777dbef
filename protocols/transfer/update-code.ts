/**
 * The update vector: what one site's training changed, as integers that can be added in any order.
 *
 * Little-endian int32: first the sample count n_g of each layout group, then one code per parameter,
 *
 *   q_i = round( (n_g / Wmax) * clip(delta_i, C) * S ),   S = floor(2^29 / (N * C)),
 *
 * with N the sites invited to the round, C the plan's clip and Wmax its maximum sample count. The sum over sites then
 * holds sum(n_g * delta_i) and sum(n_g), whose quotient is the sample-weighted mean of each group.
 *
 * Whoever opens a vector learns that site's sample counts and mean change; the envelope around it (sealed-envelope.ts)
 * decides who that is.
 */
import {
  addModulo,
  allWithin,
  decodeFixedPoint,
  encodeFixedPoint,
  fixedPointScale,
  largestCode,
} from '@wardround/shared/bytes/fixed-point.ts';
import { int32FromBytes, littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import type { ParameterLayout } from '@wardround/shared/tensors/layout.ts';

export interface UpdateCode {
  readonly layout: ParameterLayout;
  /** C: each coordinate of a site's mean change is clipped to plus or minus this. */
  readonly clip: number;
  /** Wmax: the largest sample count a site may claim. */
  readonly maximumSampleCount: number;
  /** N: the sites invited to the round. */
  readonly sites: number;
}

/** Why a received vector cannot be added. */
export type UpdateFault = 'update-wrong-length' | 'update-sample-count' | 'update-empty' | 'update-out-of-range';

/** The training gave NaN or an infinity, so there is nothing to send. */
export class UpdateNotFiniteError extends Error {
  override readonly name = 'UpdateNotFiniteError';
}

/**
 * S, after checking that neither the codes nor the sample counts of N sites can exceed an int32 when added.
 *
 * @throws {RangeError} when they could.
 */
export function updateCodeScale(code: Omit<UpdateCode, 'layout'>): number {
  const { clip, maximumSampleCount, sites } = code;
  if (!Number.isInteger(maximumSampleCount) || maximumSampleCount < 1 || sites * maximumSampleCount > 0x7fff_ffff) {
    throw new RangeError(
      `Cannot code updates: sites times maximumSampleCount must be from 1 to 2147483647, found ${sites} times ` +
        `${maximumSampleCount}. Lower the plan's protection.maximumSampleCount to what the largest site needs.`,
    );
  }
  return fixedPointScale(sites, clip);
}

/** How many int32 numbers a vector has. */
export function updateVectorLength(layout: ParameterLayout): number {
  return layout.groups.length + layout.size;
}

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
  },
): { vector: Uint8Array; clippedCoordinates: number } {
  const { layout, sampleCounts, clip, maximumSampleCount } = options;
  const scale = updateCodeScale(options);
  if (delta.length !== layout.size) {
    throw new RangeError(`Cannot encode the update: needed ${layout.size} coordinates, found ${delta.length}`);
  }
  if (sampleCounts.length !== layout.groups.length || !sampleCounts.every((n) => validCount(n, maximumSampleCount))) {
    throw new RangeError(
      `Cannot encode the update: needed ${layout.groups.length} whole sample counts from 0 to ${maximumSampleCount}, ` +
        `found [${sampleCounts.join(', ')}]`,
    );
  }
  const vector = new Int32Array(updateVectorLength(layout));
  vector.set(sampleCounts);
  const codes = vector.subarray(layout.groups.length);
  let clippedCoordinates = 0;
  for (const { name, offset, size, group } of layout.tensors) {
    const end = offset + size;
    const factor = groupFactor(sampleCounts[layout.groups.indexOf(group)]!, maximumSampleCount, scale);
    const clipped = encodeFixedPoint(delta.subarray(offset, end), codes.subarray(offset, end), { clip, factor });
    if (clipped < 0) {
      throw new UpdateNotFiniteError(
        `Cannot encode the update: every coordinate must be finite, found NaN or an infinity in "${name}". ` +
          `The training diverged: lower the learning rate or look at the loss.`,
      );
    }
    clippedCoordinates += clipped;
  }
  return { vector: littleEndianBytes(vector), clippedCoordinates };
}

/** Whether a received vector can be added: null, or the reason why not. Every code must be one that its site could have made. */
export function checkUpdate(vector: Uint8Array, options: UpdateCode): UpdateFault | null {
  const { layout, clip, maximumSampleCount } = options;
  const scale = updateCodeScale(options);
  if (vector.length !== 4 * updateVectorLength(layout)) return 'update-wrong-length';
  const numbers = int32FromBytes(vector);
  const groups = layout.groups.length;
  const sampleCounts = numbers.subarray(0, groups);
  if (!sampleCounts.every((n) => validCount(n, maximumSampleCount))) return 'update-sample-count';
  if (sampleCounts.every((n) => n === 0)) return 'update-empty';
  for (const { offset, size, group } of layout.tensors) {
    const factor = groupFactor(sampleCounts[layout.groups.indexOf(group)]!, maximumSampleCount, scale);
    const codes = numbers.subarray(groups + offset, groups + offset + size);
    if (!allWithin(codes, largestCode(clip, factor))) return 'update-out-of-range';
  }
  return null;
}

/**
 * Adds a checked vector to the sum modulo 2^32: exact, and the same in any order.
 *
 * @param sum `updateVectorLength` numbers, zero before the first vector.
 */
export function addUpdate(sum: Int32Array, vector: Uint8Array): void {
  addModulo(sum, int32FromBytes(vector));
}

/**
 * The sample-weighted mean change of each group and the group's number of samples; the change is zero where no site had
 * samples. Only divisions in a fixed order, so all machines agree to the bit.
 *
 * @throws {RangeError} when the sum does not fit the code.
 */
export function decodeSum(sum: Int32Array, options: UpdateCode): { meanDelta: Float32Array; sampleCounts: number[] } {
  const { layout, maximumSampleCount } = options;
  const scale = updateCodeScale(options);
  if (sum.length !== updateVectorLength(layout)) {
    throw new RangeError(`Cannot decode the sum: needed ${updateVectorLength(layout)} numbers, found ${sum.length}`);
  }
  const groups = layout.groups.length;
  const sampleCounts = decodeSampleCounts(sum, options);
  const meanDelta = new Float32Array(layout.size);
  for (const { offset, size, group } of layout.tensors) {
    const factor = groupFactor(sampleCounts[layout.groups.indexOf(group)]!, maximumSampleCount, scale);
    if (factor === 0) continue;
    const codes = sum.subarray(groups + offset, groups + offset + size);
    decodeFixedPoint(codes, meanDelta.subarray(offset, offset + size), factor);
  }
  return { meanDelta, sampleCounts };
}

/**
 * The sum's sample counts, which stand before its codes.
 *
 * @param sum its beginning at least.
 * @throws {RangeError} when so many sites cannot have so many samples.
 */
export function decodeSampleCounts(sum: Int32Array, options: UpdateCode): number[] {
  const { layout, maximumSampleCount, sites } = options;
  const sampleCounts = [...sum.subarray(0, layout.groups.length)];
  if (!sampleCounts.every((n) => validCount(n, sites * maximumSampleCount))) {
    throw new RangeError(
      `Cannot decode the sum: sample counts must be from 0 to ${sites * maximumSampleCount}, found [${sampleCounts.join(', ')}]`,
    );
  }
  return sampleCounts;
}

/** What the sum of a group's codes is divided by to become its mean change; 0 for a group without samples. */
export function meanDivisor(sampleCount: number, options: Omit<UpdateCode, 'layout'>): number {
  return groupFactor(sampleCount, options.maximumSampleCount, updateCodeScale(options));
}

/** (n / Wmax) * S: what a coordinate of a group with n samples is multiplied by. */
function groupFactor(sampleCount: number, maximumSampleCount: number, scale: number): number {
  return (sampleCount / maximumSampleCount) * scale;
}

function validCount(count: number, maximum: number): boolean {
  return Number.isInteger(count) && count >= 0 && count <= maximum;
}
