/** @throws {RangeError} when there are no values. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('Cannot take the median: at least one value is needed, found none');
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return Number.isInteger(middle) ? (sorted[middle - 1]! + sorted[middle]!) / 2 : sorted[Math.floor(middle)]!;
}
