/**
 * Shamir's secret sharing (1979) over GF(2^8) with AES's polynomial x^8 + x^4 + x^3 + x + 1, byte by byte.
 *
 * - Whoever holds fewer than `threshold` shares learns the secret's length and nothing else.
 * - A wrong share is not noticed by combining: check each against its commitment first, and the secret against what is
 *   publicly known of it afterwards.
 *
 * A share is its x coordinate (1 .. 255) followed by one byte per byte of the secret. A share of a uniform secret of 32
 * bytes is itself uniform, so its hash commits to it without giving it away.
 *
 * Multiplication looks products up in tables at positions that depend on secrets; in a process of its own at the site this
 * is observable only to somebody who already shares its processor.
 */
import type { Sha256Hex } from '../bytes/hash.ts';
import { sha256Hex } from '../bytes/hash.ts';
import type { RandomBytes } from './key-agreement.ts';

/** Powers of the generator 3, twice over so that a sum of two logarithms needs no reduction, and logarithms to it. */
const POWERS = new Uint8Array(510);
const LOGARITHMS = new Uint8Array(256);
for (let exponent = 0, power = 1; exponent < 255; exponent += 1) {
  POWERS[exponent] = power;
  POWERS[exponent + 255] = power;
  LOGARITHMS[power] = exponent;
  power ^= (power << 1) ^ (power & 0x80 ? 0x11b : 0);
  power &= 0xff;
}

/**
 * Splits a secret so that any `threshold` of the shares give it back.
 *
 * @param options `shares` from `threshold` to 255; `randomBytes` a cryptographic source.
 * @returns shares with x = 1 .. `shares`.
 */
export function splitSecret(
  secret: Uint8Array,
  options: { readonly shares: number; readonly threshold: number; readonly randomBytes: RandomBytes },
): Uint8Array[] {
  const { shares, threshold, randomBytes } = options;
  if (
    !Number.isInteger(threshold) ||
    !Number.isInteger(shares) ||
    threshold < 1 ||
    shares < threshold ||
    shares > 255
  ) {
    throw new RangeError(
      `Cannot split the secret: needed 1 <= threshold <= shares <= 255, found threshold ${threshold} of ${shares} shares`,
    );
  }
  if (secret.length === 0) throw new RangeError('Cannot split the secret: it is empty');
  const width = secret.length;
  // Row d holds the coefficients of x^(d + 1) of all bytes' polynomials.
  const coefficients = randomBytes((threshold - 1) * width);
  return Array.from({ length: shares }, (_, index) => {
    const x = index + 1;
    const logX = LOGARITHMS[x]!;
    const values = new Uint8Array(width);
    // Horner's scheme, from the highest power down to the secret.
    for (let row = threshold - 2; row >= 0; row -= 1) {
      for (let byte = 0; byte < width; byte += 1) {
        const sum = values[byte]! ^ coefficients[row * width + byte]!;
        values[byte] = sum === 0 ? 0 : POWERS[LOGARITHMS[sum]! + logX]!;
      }
    }
    const share = new Uint8Array(1 + width);
    share[0] = x;
    for (let byte = 0; byte < width; byte += 1) share[1 + byte] = values[byte]! ^ secret[byte]!;
    return share;
  });
}

/**
 * The secret that the shares are of, if they are right and at least as many as the threshold; else bytes without meaning.
 *
 * @throws {RangeError} when there is no share, lengths differ, or two shares have one x coordinate.
 */
export function combineShares(shares: readonly Uint8Array[]): Uint8Array {
  const length = shares[0]?.length ?? 0;
  if (length < 2 || shares.some((share) => share.length !== length)) {
    throw new RangeError('Cannot combine the shares: needed at least one, all of one length');
  }
  const coordinates = shares.map((share) => share[0]!);
  if (coordinates.includes(0) || new Set(coordinates).size !== coordinates.length) {
    throw new RangeError('Cannot combine the shares: needed x coordinates that are different and not 0');
  }
  const secret = new Uint8Array(length - 1);
  for (const [index, share] of shares.entries()) {
    // Lagrange's basis polynomial at 0, as a logarithm: the product over the others of x_j / (x_j - x_i).
    let logWeight = 0;
    for (const [other, x] of coordinates.entries()) {
      if (other !== index) logWeight += LOGARITHMS[x]! + 255 - LOGARITHMS[x ^ coordinates[index]!]!;
    }
    logWeight %= 255;
    for (let byte = 1; byte < length; byte += 1) {
      const value = share[byte]!;
      if (value !== 0) secret[byte - 1]! ^= POWERS[LOGARITHMS[value]! + logWeight]!;
    }
  }
  return secret;
}

/**
 * Binds whoever made a share to it. Hiding only for shares that nobody can guess, such as those of a random key.
 *
 * @param context what the share is of and for whom, so that no commitment fits in another place.
 */
export function shareCommitment(share: Uint8Array, context: string): Sha256Hex {
  return sha256Hex(Buffer.concat([Buffer.from(`wardround/share-commitment/1\n${context}\n`), share]));
}
