/** Bounds what one update can do to the mean, at the site that sends it: clipping and zeroing by its L2 norm. */

export interface NormLimit {
  /** Longer updates are scaled down to this L2 norm. */
  readonly norm: number;
  /** Updates longer than this many times `norm` are no updates but accidents: they become zero. */
  readonly zeroAboveMultiple: number;
}

/** What was done to an update, which is all that is said of its norm. */
export type NormLimitAction = 'kept' | 'scaled' | 'zeroed';

/**
 * Changes the update in place. The norm is summed in float64 in the order of coordinates.
 *
 * @throws {RangeError} for limits that are not positive.
 */
export function limitNorm(update: Float32Array, { norm, zeroAboveMultiple }: NormLimit): NormLimitAction {
  if (!(norm > 0) || !(zeroAboveMultiple >= 1)) {
    throw new RangeError(
      `Cannot limit the update: norm must be above 0 and zeroAboveMultiple at least 1, found ${norm} and ${zeroAboveMultiple}`,
    );
  }
  const found = normOf(update);
  // What is not finite stays as it is: coding it refuses it by name.
  if (found <= norm || !Number.isFinite(found)) return 'kept';
  if (found > zeroAboveMultiple * norm) {
    update.fill(0);
    return 'zeroed';
  }
  const factor = norm / found;
  for (let i = 0; i < update.length; i++) update[i]! *= factor;
  return 'scaled';
}

/** The L2 norm. Finite for every finite float32 vector: their squares cannot overflow float64. */
export function normOf(values: Float32Array): number {
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += values[i]! * values[i]!;
  return Math.sqrt(squares);
}
