export interface MeanAndError {
  readonly mean: number;
  readonly standardError: number;
}

/**
 * The mean of at least two values and its standard error: the sample standard deviation (divisor n - 1) over the square
 * root of n.
 *
 * @throws {RangeError} when there are fewer than two values, which say nothing about spread.
 */
export function meanAndError(values: readonly number[]): MeanAndError {
  if (values.length < 2) throw new RangeError(`Cannot estimate an error from ${values.length} values: two are needed`);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, standardError: Math.sqrt(squares / (values.length - 1) / values.length) };
}
