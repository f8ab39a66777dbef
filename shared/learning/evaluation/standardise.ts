/** A feature that varies less than float32 can tell apart is constant: dividing by its deviation would show rounding noise. */
const CONSTANT_TOLERANCE = 1e-7;

/**
 * Each feature minus its mean, divided by its standard deviation, both taken over the training rows only. Constant
 * features become zero.
 *
 * @param features [rows, width], row-major.
 * @returns [rows, width] for all rows.
 * @throws {RangeError} when there is no training row.
 */
export function standardise(
  features: Float32Array,
  { width, trainIndices }: { width: number; trainIndices: readonly number[] },
): Float64Array {
  if (trainIndices.length === 0) throw new RangeError('Cannot standardise the features: there is no training row');
  const rows = features.length / width;
  const standardised = new Float64Array(features.length);
  for (let column = 0; column < width; column++) {
    let mean = 0;
    for (const row of trainIndices) mean += features[row * width + column]!;
    mean /= trainIndices.length;
    let variance = 0;
    for (const row of trainIndices) variance += (features[row * width + column]! - mean) ** 2;
    const deviation = Math.sqrt(variance / trainIndices.length);
    if (!(deviation > CONSTANT_TOLERANCE * Math.abs(mean))) continue;
    for (let row = 0; row < rows; row++) {
      standardised[row * width + column] = (features[row * width + column]! - mean) / deviation;
    }
  }
  return standardised;
}
