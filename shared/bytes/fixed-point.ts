/**
 * Numbers as integers, so that sums are exact and do not depend on the order of their terms.
 *
 * A number x with |x| <= clip is coded as q = round(x * factor) with factor <= scale, where the scale leaves room for the
 * sum of all terms (and two bits to spare) in a word: terms * clip * scale <= 2^29 for words of 32 bits, 2^13 for words of
 * 16. Sums are taken modulo 2^32 or 2^16.
 *
 * Rounding is to the nearest integer, ties to the even one (the IEEE 754 default): it is symmetric about zero and every
 * machine does it alike.
 */
import { type CodeBits, type CodeWords, largestSum } from './code-words.ts';
import { littleEndianBytes } from './little-endian.ts';
import { KERNEL_BYTES, wordKernel } from './word-kernel.ts';

/** Adding and taking away 1.5 * 2^52 leaves no room for a fraction, so the addition itself rounds. */
const ROUND = 6_755_399_441_055_744;

/**
 * The largest scale at which `terms` numbers of at most `clip` can be added: floor(2^29 / (terms * clip)), or with 2^13.
 *
 * @throws {RangeError} when terms is not a whole number >= 1, or when the scale would not be a whole number from 1 to 2^52.
 */
export function fixedPointScale(
  terms: number,
  clip: number,
  { codeBits = 32 }: { readonly codeBits?: CodeBits | undefined } = {},
): number {
  if (!Number.isInteger(terms) || terms < 1) {
    throw new RangeError(`Cannot choose a scale: terms must be a whole number >= 1, found ${terms}`);
  }
  const scale = Math.floor(largestSum(codeBits) / (terms * clip));
  if (!(clip > 0 && scale >= 1 && scale <= 2 ** 52)) {
    const bits = codeBits - 3;
    throw new RangeError(
      `Cannot choose a scale for ${terms} terms: clip must be from 2^${bits - 52} / terms to 2^${bits} / terms, found ${clip}`,
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
 * @param options `gain`: what each value is multiplied by before; 1 where left out.
 * @returns how many values were clipped, or -1 when a value is NaN or infinite (the codes are then of no use).
 */
export function encodeFixedPoint(
  values: Float32Array,
  codes: CodeWords,
  options: { readonly clip: number; readonly factor: number; readonly gain?: number },
): number {
  const { clip, factor, gain = 1 } = options;
  requireRoom(values, codes);
  let clipped = 0;
  for (let i = 0; i < values.length; i += 1) {
    let value = values[i]! * gain;
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

/**
 * As `encodeFixedPoint`, with error feedback (Seide et al. 2014; Karimireddy et al. 2019, arXiv 1901.09847): what earlier
 * rounds left out is added before coding, and what this one leaves out is written in its place. The left-out parts are in
 * units of weighted values, so that they stay right when the weight or the scale is another one in the next round.
 *
 * At most what one code can carry is kept of a coordinate: without that bound, values that are clipped round after round
 * would pile up and go on pushing long after they are over.
 *
 * @param residual read and written.
 * @param options `weight` times `scale` is the factor. With a weight of zero all codes are zero and the residual stays.
 */
export function encodeWithResidual(
  values: Float32Array,
  codes: CodeWords,
  options: {
    readonly clip: number;
    readonly scale: number;
    readonly weight: number;
    readonly residual: Float32Array;
    readonly gain?: number;
  },
): number {
  const { clip, scale, weight, residual, gain = 1 } = options;
  requireRoom(values, codes);
  const largest = largestCode(clip, weight * scale);
  const most = Math.max(weight * clip, 1 / scale);
  let clipped = 0;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i]!;
    if (!Number.isFinite(value)) return -1;
    if (weight === 0) {
      codes[i] = 0;
      continue;
    }
    const wanted = weight * value + residual[i]!;
    let coded = wanted * gain * scale + ROUND - ROUND;
    if (!(coded <= largest && coded >= -largest)) {
      coded = wanted > 0 ? largest : -largest;
      clipped += 1;
    }
    codes[i] = coded;
    const left = wanted - coded / scale;
    residual[i] = left > most ? most : left < -most ? -most : left;
  }
  return clipped;
}

function requireRoom(values: Float32Array, codes: CodeWords): void {
  if (codes.length !== values.length) {
    throw new RangeError(`Cannot encode: needed room for ${values.length} codes, found ${codes.length}`);
  }
}

/** Whether every code is from -bound to bound. */
export function allWithin(codes: CodeWords, bound: number): boolean {
  const kernel = wordKernel();
  const { into, terms } = kernel;
  const isShort = codes instanceof Int16Array;
  const bytes = littleEndianBytes(codes);
  for (let start = 0; start < bytes.length; start += KERNEL_BYTES) {
    const piece = bytes.subarray(start, start + KERNEL_BYTES);
    terms.set(piece);
    if (isShort) kernel.largest16(piece.length);
    else kernel.largest32(piece.length);
  }
  const used = into.subarray(0, Math.min(bytes.length, KERNEL_BYTES));
  const { buffer, byteOffset, byteLength } = used;
  const largest = isShort
    ? new Uint16Array(buffer, byteOffset, byteLength / 2)
    : new Uint32Array(buffer, byteOffset, byteLength / 4);
  let found = 0;
  for (let i = 0; i < largest.length; i += 1) if (largest[i]! > found) found = largest[i]!;
  for (const half of [into, terms]) half.fill(0, 0, byteLength);
  return found <= bound;
}

/** Adds the terms to the sum, coordinate by coordinate, modulo 2^32 or, for words of 16 bits, 2^16. */
export function addModulo(sum: CodeWords, terms: CodeWords): void {
  if (sum.BYTES_PER_ELEMENT !== terms.BYTES_PER_ELEMENT) {
    throw new TypeError('Cannot add: sum and terms must be words of as many bits');
  }
  if (sum.length !== terms.length) {
    throw new RangeError(`Cannot add: needed ${sum.length} numbers, found ${terms.length}`);
  }
  for (let i = 0; i < sum.length; i += 1) sum[i] = (sum[i]! + terms[i]!) | 0;
}

/** Writes sum / divisor, rounded to float32, to `values`. */
export function decodeFixedPoint(sum: CodeWords, values: Float32Array, divisor: number): void {
  if (sum.length !== values.length) {
    throw new RangeError(`Cannot decode: needed room for ${sum.length} numbers, found ${values.length}`);
  }
  for (let i = 0; i < sum.length; i += 1) values[i] = sum[i]! / divisor;
}
