/** After so many halvings of the argument so many terms of the series are exact to float64. */
const squarings = 10;
const terms = 10;

/**
 * e^x from additions and multiplications alone, in one fixed order: ECMAScript leaves the last bits of `Math.exp` to the
 * engine, and starting weights must be the same bits on every machine. The relative error is below 1e-12.
 *
 * @param x between -100 and 100.
 * @throws {RangeError} for anything else.
 */
export function portableExp(x: number): number {
  if (!(Math.abs(x) <= 100)) {
    throw new RangeError(`Cannot take the exponential: x must lie between -100 and 100, found ${x}`);
  }
  const small = x / 2 ** squarings;
  let power = 1;
  for (let term = terms; term >= 1; term -= 1) power = 1 + (small * power) / term;
  for (let count = 0; count < squarings; count += 1) power *= power;
  return power;
}
