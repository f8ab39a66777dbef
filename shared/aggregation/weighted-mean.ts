/**
 * The mean of the updates of those who took part, weighted by how many examples each trained on: the direction that a server
 * optimiser moves in. Summed in float64 as the updates come, so that only one is held at a time.
 *
 * @throws {RangeError} when nobody took part, no example counts, or the updates differ in length.
 */
export function weightedMean(
  updates: Iterable<{ readonly values: Float32Array; readonly weight: number }>,
): Float32Array {
  let sum: Float64Array | null = null;
  let total = 0;
  for (const { values, weight } of updates) {
    sum ??= new Float64Array(values.length);
    if (values.length !== sum.length) {
      throw new RangeError(
        `Cannot average updates: all need the first one's ${sum.length} numbers, found ${values.length}`,
      );
    }
    for (let i = 0; i < values.length; i++) sum[i]! += weight * values[i]!;
    total += weight;
  }
  if (sum === null || !(total > 0)) {
    throw new RangeError(`Cannot average updates: at least one with a weight above 0 is needed, found ${total} in all`);
  }
  return Float32Array.from(sum, (value) => value / total);
}
