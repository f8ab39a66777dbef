/**
 * The natural logarithm from additions, multiplications and divisions alone, in one fixed order.
 *
 * ECMAScript leaves the last bits of `Math.log` to the engine; starting weights must be the same bits on every machine.
 * The method and the coefficients are those of `__ieee754_log` in Sun's fdlibm 5.3 (error below one unit in the last place).
 */

const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
const L1 = 0.6666666666666735;
const L2 = 0.3999999999940942;
const L3 = 0.2857142874366239;
const L4 = 0.22222198432149784;
const L5 = 0.1818357216161805;
const L6 = 0.15313837699209373;
const L7 = 0.14798198605116586;

const number = new Float64Array(1);
const words = new Uint32Array(number.buffer);
/** The word that holds sign, exponent and the top of the fraction: the second on little-endian hosts. */
const HIGH = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;

/**
 * ln(x).
 *
 * @param x a finite number of at least 2^-1022 (the smallest normal number).
 * @throws {RangeError} for anything else.
 */
export function portableLog(x: number): number {
  if (!(x >= 2 ** -1022 && x < Infinity)) {
    throw new RangeError(`Cannot take the logarithm: x must be a normal number above 0, found ${x}`);
  }
  number[0] = x;
  const high = words[HIGH]!;
  let exponent = (high >>> 20) - 1023;
  // The fraction in 1 .. 2, then halved where it exceeds the square root of two, so that f stays small.
  words[HIGH] = (high & 0xfffff) | 0x3ff00000;
  let fraction = number[0];
  if (fraction > Math.SQRT2) {
    fraction /= 2;
    exponent += 1;
  }
  const f = fraction - 1;
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const odd = z * (L1 + w * (L3 + w * (L5 + w * L7)));
  const even = w * (L2 + w * (L4 + w * L6));
  const halfSquare = 0.5 * f * f;
  return exponent * LN2_HIGH - (halfSquare - (s * (halfSquare + (odd + even)) + exponent * LN2_LOW) - f);
}
