import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { combineShares, shareCommitment, splitSecret } from './secret-sharing.ts';

const hex = (array: Uint8Array) => Buffer.from(array).toString('hex');
const secret = Uint8Array.from({ length: 32 }, (_, index) => 7 * index);
/** Repeatable bytes, for known answers only. */
const knownBytes = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 151 + 3) & 0xff);

/** Multiplication in GF(2^8) as FIPS 197, section 4.2, writes it: shift and add. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let factor = a, bits = b; bits > 0; bits >>= 1) {
    if (bits & 1) product ^= factor;
    factor = (factor << 1) ^ (factor & 0x80 ? 0x11b : 0);
  }
  return product;
}

describe('splitSecret()', () => {
  test('evaluates one polynomial per byte', () => {
    const shares = splitSecret(secret, { shares: 255, threshold: 3, randomBytes: knownBytes });
    const coefficients = knownBytes(64);
    for (const share of shares) {
      const x = share[0]!;
      for (let byte = 0; byte < 32; byte += 1) {
        const linear = multiply(coefficients[byte]!, x);
        const quadratic = multiply(coefficients[32 + byte]!, multiply(x, x));
        expect(share[1 + byte]).toBe(secret[byte]! ^ linear ^ quadratic);
      }
    }
    expect(shares.map((share) => share[0])).toEqual(Array.from({ length: 255 }, (_, index) => index + 1));
  });

  test('gives known shares', () => {
    const shares = splitSecret(secret, { shares: 5, threshold: 3, randomBytes: knownBytes });
    expect(createHash('sha256').update(Buffer.concat(shares)).digest('hex')).toBe(
      'f9985e6b2cec9786cb9f1044eeaf1743ce9b9d40b20204f1e217d4258620f0e4',
    );
  });

  test.each([
    [3, 4],
    [256, 2],
    [3, 0],
    [3, 1.5],
  ])('refuses %i shares with threshold %d', (shares, threshold) => {
    expect(() => splitSecret(secret, { shares, threshold, randomBytes })).toThrow(RangeError);
  });
});

describe('combineShares()', () => {
  test('gives the secret back from every set at the threshold, and from none below it', () => {
    const shares = splitSecret(secret, { shares: 6, threshold: 4, randomBytes });
    for (let set = 1; set < 64; set += 1) {
      const chosen = shares.filter((_, index) => (set >> index) & 1);
      const found = hex(combineShares(chosen)) === hex(secret);
      expect(found).toBe(chosen.length >= 4);
    }
  });

  test('does not depend on the order of the shares', () => {
    const shares = splitSecret(secret, { shares: 140, threshold: 104, randomBytes });
    expect(hex(combineShares(shares.slice(20, 124).reverse()))).toBe(hex(secret));
  });

  test('refuses shares that do not go together', () => {
    const [first, second] = splitSecret(secret, { shares: 2, threshold: 2, randomBytes });
    expect(() => combineShares([])).toThrow(RangeError);
    expect(() => combineShares([first!, first!])).toThrow('x coordinates that are different');
    expect(() => combineShares([first!, second!.subarray(1)])).toThrow('all of one length');
    expect(() => combineShares([new Uint8Array(33)])).toThrow('not 0');
  });
});

describe('shareCommitment()', () => {
  test('is a known hash of context and share', () => {
    const share = Uint8Array.of(1, 2, 3);
    const expected = createHash('sha256')
      .update('wardround/share-commitment/1\nseed of a for b\n\x01\x02\x03')
      .digest('hex');
    expect(shareCommitment(share, 'seed of a for b')).toBe(expected);
    expect(shareCommitment(share, 'seed of a for c')).not.toBe(expected);
    expect(shareCommitment(Uint8Array.of(1, 2, 4), 'seed of a for b')).not.toBe(expected);
  });
});
