/** log(exp(a) + exp(b)) without leaving the range of numbers. */
export function logAdd(a: number, b: number): number {
  const [low, high] = a < b ? [a, b] : [b, a];
  return low === Number.NEGATIVE_INFINITY ? high : high + Math.log1p(Math.exp(low - high));
}

/**
 * log(exp(a) - exp(b)).
 *
 * @throws {RangeError} when b > a.
 */
export function logSubtract(a: number, b: number): number {
  if (b > a) throw new RangeError(`Cannot subtract in log space: the difference must not be negative, found ${a - b}`);
  return b === Number.NEGATIVE_INFINITY ? a : a + Math.log(-Math.expm1(b - a));
}
