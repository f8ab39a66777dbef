/**
 * What a published sum does to the weights, piece by piece: the coordinator and every site compute the next model from it,
 * and neither holds a model whole. A piece gives the same bits as `decodeSum` and `serverStep` give on whole vectors.
 */
import { type ServerOptimiser, stepCoordinates } from '@wardround/shared/aggregation/server-optimiser.ts';
import { meanDivisor, type UpdateCode } from './update-code.ts';

/** Arrays of the same length, for consecutive parameters of the layout. */
export interface SumPiece {
  /** Which parameter the arrays begin at. */
  readonly firstParameter: number;
  /** The sum's codes, after its sample counts. */
  readonly codes: Int32Array | Int16Array;
  readonly weights: Float32Array;
  /** m; null for an optimiser without it. */
  readonly momentum: Float32Array | null;
  /** v; null for an optimiser without it. */
  readonly secondMoment: Float32Array | null;
}

/**
 * Takes the server's step, in place. Groups without samples keep their weights and the optimiser's state.
 *
 * @param options `sampleCounts`: the sum's, per layout group.
 * @returns the sum of the squares of the weights' changes.
 * @throws {RangeError} when the arrays do not fit together, the layout or the optimiser.
 */
export function applySumPiece(
  piece: SumPiece,
  options: {
    readonly code: UpdateCode;
    readonly sampleCounts: readonly number[];
    readonly server: ServerOptimiser;
  },
): number {
  const { firstParameter, codes, weights, momentum, secondMoment } = piece;
  const { code, sampleCounts, server } = options;
  const { tensors, groups, size } = code.layout;
  const end = firstParameter + codes.length;
  if (!Number.isSafeInteger(firstParameter) || firstParameter < 0 || end > size || weights.length !== codes.length) {
    throw new RangeError(
      `Cannot apply the sum: needed as many weights as codes within ${size} parameters, found ${weights.length} weights ` +
        `and ${codes.length} codes from parameter ${firstParameter} on`,
    );
  }
  let squares = 0;
  for (const tensor of tensors) {
    const from = Math.max(firstParameter, tensor.offset) - firstParameter;
    const to = Math.min(end, tensor.offset + tensor.size) - firstParameter;
    if (from >= to) continue;
    const divisor = meanDivisor(sampleCounts[groups.indexOf(tensor.group)]!, code);
    if (divisor === 0) continue;
    squares += stepCoordinates(server, {
      weights: weights.subarray(from, to),
      change: codes.subarray(from, to),
      divisor,
      momentum: momentum?.subarray(from, to) ?? null,
      secondMoment: secondMoment?.subarray(from, to) ?? null,
    });
  }
  return squares;
}
