import nacl from 'tweetnacl';
import { describe, expect, test } from 'vitest';
import { agreementPublicKey, agreeOnSecret, deriveKey, generateAgreementKeys } from './key-agreement.ts';
import { UnusableKeyError } from './public-key-check.ts';

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
const hex = (array: Uint8Array) => Buffer.from(array).toString('hex');

/** RFC 7748, section 6.1. */
const alice = {
  secretKey: bytes('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a'),
  publicKey: bytes('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a'),
};
const bob = {
  secretKey: bytes('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb'),
  publicKey: bytes('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f'),
};

describe('generateAgreementKeys()', () => {
  test('has the public key that RFC 7748 and tweetnacl give', () => {
    const keys = generateAgreementKeys(() => alice.secretKey);
    expect(hex(keys.publicKey)).toBe(hex(alice.publicKey));
    expect(hex(agreementPublicKey(bob.secretKey))).toBe(hex(bob.publicKey));
    const drawn = generateAgreementKeys((length) => nacl.randomBytes(length));
    expect(drawn.publicKey).toEqual(nacl.box.keyPair.fromSecretKey(drawn.secretKey).publicKey);
  });

  test('keeps a copy of the secret', () => {
    const source = Uint8Array.from(alice.secretKey);
    const keys = generateAgreementKeys(() => source);
    source.fill(0);
    expect(hex(keys.secretKey)).toBe(hex(alice.secretKey));
  });
});

describe('agreeOnSecret()', () => {
  test('gives both sides the secret of RFC 7748', () => {
    const secret = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742';
    expect(hex(agreeOnSecret(alice.secretKey, bob.publicKey))).toBe(secret);
    expect(hex(agreeOnSecret(bob.secretKey, alice.publicKey))).toBe(secret);
  });

  test('refuses points of small order', () => {
    for (const first of [0, 1]) {
      const publicKey = new Uint8Array(32);
      publicKey[0] = first;
      expect(() => agreeOnSecret(alice.secretKey, publicKey)).toThrow(UnusableKeyError);
    }
  });

  test('refuses keys of another length', () => {
    expect(() => agreeOnSecret(alice.secretKey.subarray(1), bob.publicKey)).toThrow(
      'secret key: needed 32 bytes, found 31',
    );
    expect(() => agreeOnSecret(alice.secretKey, new Uint8Array(33))).toThrow('public key: needed 32 bytes, found 33');
  });
});

describe('deriveKey()', () => {
  test('is HKDF-SHA256: the first 32 bytes of RFC 5869, test case 1', () => {
    const options = { salt: bytes('000102030405060708090a0b0c'), info: bytes('f0f1f2f3f4f5f6f7f8f9') };
    expect(hex(deriveKey(new Uint8Array(22).fill(0x0b), options))).toBe(
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf',
    );
  });

  test('gives another key for another salt or purpose', () => {
    const salt = new Uint8Array(32);
    const key = hex(deriveKey(alice.secretKey, { salt, info: 'a' }));
    expect(hex(deriveKey(alice.secretKey, { salt, info: 'b' }))).not.toBe(key);
    expect(hex(deriveKey(alice.secretKey, { salt: new Uint8Array(32).fill(1), info: 'a' }))).not.toBe(key);
  });
});
