/**
 * The exponential function from additions, multiplications and divisions alone, in one fixed order.
 *
 * ECMAScript leaves the last bits of `Math.exp` to the engine; the demo's files must be the same bytes on every machine.
 */

/**
 * e to the power of x, to about twelve digits.
 *
 * @param x from -20 to 20: laboratory values and probabilities need no more.
 * @throws {RangeError} beyond that range.
 */
export function portableExponential(x: number): number {
  if (!(Math.abs(x) <= 20)) {
    throw new RangeError(`Cannot take the exponential: x must be from -20 to 20, found ${x}`);
  }
  const small = x / 256;
  // Taylor's series to the seventh power: the rest is below 1e-14 for |small| <= 0.08.
  const series = 1 + small / 7;
  let power =
    1 +
    small * (1 + (small / 2) * (1 + (small / 3) * (1 + (small / 4) * (1 + (small / 5) * (1 + (small / 6) * series)))));
  for (let doubling = 0; doubling < 8; doubling += 1) power *= power;
  return power;
}
