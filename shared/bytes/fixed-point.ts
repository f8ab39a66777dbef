/**
 * Numbers as integers, so that sums are exact and do not depend on the order of their terms.
 *
 * A number x with |x| <= clip is coded as q = round(x * factor) with factor <= scale, where the scale leaves room for the
 * sum of all terms (and two bits to spare) in 32 bits: terms * clip * scale <= 2^29. Sums are taken modulo 2^32.
 *
 * Rounding is to the nearest integer, ties to the even one (the IEEE 754 default): it is symmetric about zero and every
 * machine does it alike.
 */

/** Adding and taking away 1.5 * 2^52 leaves no room for a fraction, so the addition itself rounds. */
const ROUND = 6_755_399_441_055_744;

/**
 * The largest scale at which `terms` numbers of at most `clip` can be added: floor(2^29 / (terms * clip)).
 *
 * @throws {RangeError} when terms is not a whole number >= 1, or when the scale would not be a whole number from 1 to 2^52.
 */
export function fixedPointScale(terms: number, clip: number): number {
  if (!Number.isInteger(terms) || terms < 1) {
    throw new RangeError(`Cannot choose a scale: terms must be a whole number >= 1, found ${terms}`);
  }
  const scale = Math.floor(2 ** 29 / (terms * clip));
  if (!(clip > 0 && scale >= 1 && scale <= 2 ** 52)) {
    throw new RangeError(
      `Cannot choose a scale for ${terms} terms: clip must be from 2^-23 / terms to 2^29 / terms, found ${clip}`,
    );
  }
  return scale;
}

/** The code of one number: round(x * factor). Both directions and the range check use this one expression. */
function code(x: number, factor: number): number {
  return x * factor + ROUND - ROUND;
}

/** The largest code that a number of at most `clip` can have. */
export function largestCode(clip: number, factor: number): number {
  return code(clip, factor);
}

/**
 * Writes the codes of `values`, clipped to plus or minus `clip`, to `codes`.
 *
 * @returns how many values were clipped, or -1 when a value is NaN or infinite (the codes are then of no use).
 */
export function encodeFixedPoint(
  values: Float32Array,
  codes: Int32Array,
  options: { readonly clip: number; readonly factor: number },
): number {
  const { clip, factor } = options;
  if (codes.length !== values.length) {
    throw new RangeError(`Cannot encode: needed room for ${values.length} codes, found ${codes.length}`);
  }
  let clipped = 0;
  for (let i = 0; i < values.length; i += 1) {
    let value = values[i]!;
    if (value > clip) {
      if (value === Infinity) return -1;
      value = clip;
      clipped += 1;
    } else if (value < -clip) {
      if (value === -Infinity) return -1;
      value = -clip;
      clipped += 1;
    } else if (Number.isNaN(value)) {
      return -1;
    }
    codes[i] = value * factor + ROUND - ROUND;
  }
  return clipped;
}

/** Whether every code is from -bound to bound. */
export function allWithin(codes: Int32Array, bound: number): boolean {
  for (let i = 0; i < codes.length; i += 1) {
    const value = codes[i]!;
    if (value > bound || value < -bound) return false;
  }
  return true;
}

/** Adds the terms to the sum, coordinate by coordinate, modulo 2^32. */
export function addModulo(sum: Int32Array, terms: Int32Array): void {
  if (sum.length !== terms.length) {
    throw new RangeError(`Cannot add: needed ${sum.length} numbers, found ${terms.length}`);
  }
  for (let i = 0; i < sum.length; i += 1) sum[i] = (sum[i]! + terms[i]!) | 0;
}

/** Writes sum / divisor, rounded to float32, to `values`. */
export function decodeFixedPoint(sum: Int32Array, values: Float32Array, divisor: number): void {
  if (sum.length !== values.length) {
    throw new RangeError(`Cannot decode: needed room for ${sum.length} numbers, found ${values.length}`);
  }
  for (let i = 0; i < sum.length; i += 1) values[i] = sum[i]! / divisor;
}
