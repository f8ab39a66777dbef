import { generateKeyPairSync } from 'node:crypto';
import nacl from 'tweetnacl';
import { describe, expect, test } from 'vitest';
import { decodeBase64Url, encodeBase64Url } from '../bytes/base64url.ts';
import { signMessage, verifyMessage } from './ed25519.ts';
import {
  checkPublicKeys,
  decodeIdentity,
  encodeIdentity,
  fingerprint,
  generateIdentity,
  publicKeys,
} from './identity.ts';
import { UnusableKeyError } from './public-key-check.ts';

const known = {
  // RFC 8032, section 7.1, test 1 and RFC 7748, section 6.1, Alice.
  signingSeed: new Uint8Array(Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex')),
  sealingSecret: new Uint8Array(Buffer.from('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a', 'hex')),
};

describe('generateIdentity()', () => {
  test('makes keys that sign and that differ each time', () => {
    const identity = generateIdentity();
    const { signingKey, sealingKey } = publicKeys(identity);
    const message = Buffer.from('a message');
    const signature = signMessage(message, identity.signingSeed);
    expect(verifyMessage(message, { signature, publicKey: decodeBase64Url(signingKey) })).toBe(true);
    expect(sealingKey).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(publicKeys(generateIdentity())).not.toEqual({ signingKey, sealingKey });
  });
});

describe('publicKeys()', () => {
  test('gives the RFCs’ public keys', () => {
    const { signingKey, sealingKey } = publicKeys(known);
    expect(Buffer.from(decodeBase64Url(signingKey)).toString('hex')).toBe(
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    );
    expect(Buffer.from(decodeBase64Url(sealingKey)).toString('hex')).toBe(
      '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
    );
  });
});

describe('fingerprint()', () => {
  test('gives a known name, and another for each other key', () => {
    const keys = publicKeys(known);
    expect(fingerprint(keys)).toBe('bcbb721ebe9a8c8d13118967308e942d6239a88e8dd7b33e4eaf01c980c5f244');
    expect(fingerprint({ ...keys, sealingKey: keys.signingKey })).not.toBe(fingerprint(keys));
    expect(fingerprint({ signingKey: keys.sealingKey, sealingKey: keys.signingKey })).not.toBe(fingerprint(keys));
  });
});

describe('checkPublicKeys()', () => {
  const good = publicKeys(generateIdentity());
  const encoded = (hex: string) => encodeBase64Url(Buffer.from(hex, 'hex'));

  test('accepts keys of any origin', () => {
    checkPublicKeys(good);
    const der = (type: 'ed25519' | 'x25519') =>
      // biome-ignore lint/suspicious/noExplicitAny: the overloads name one key type at a time
      (generateKeyPairSync as any)(type).publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    checkPublicKeys({ signingKey: encodeBase64Url(der('ed25519')), sealingKey: encodeBase64Url(der('x25519')) });
  });

  test.each([
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ])('refuses the X25519 point of small order %s', (hex) => {
    expect(() => checkPublicKeys({ ...good, sealingKey: encoded(hex) })).toThrow(UnusableKeyError);
  });

  test.each([
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000080',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  ])('refuses the ed25519 point of small order %s', (hex) => {
    expect(() => checkPublicKeys({ ...good, signingKey: encoded(hex) })).toThrow(UnusableKeyError);
  });

  test('lists points whose signatures would fit any message', () => {
    // With the neutral point as key, R = neutral and S = 0 sign every message: what the check keeps out.
    const neutral = Uint8Array.of(1, ...new Uint8Array(31));
    const forged = Uint8Array.of(...neutral, ...new Uint8Array(32));
    expect(nacl.sign.detached.verify(Buffer.from('anything'), forged, neutral)).toBe(true);
  });

  test.each(['', 'AAAA', `${good.signingKey}=`, `${good.signingKey}A`])('refuses the key %j', (key) => {
    expect(() => checkPublicKeys({ ...good, signingKey: key })).toThrow();
    expect(() => checkPublicKeys({ ...good, sealingKey: key })).toThrow();
  });
});

describe('encodeIdentity() and decodeIdentity()', () => {
  test('give the identity back', () => {
    const identity = generateIdentity();
    expect(decodeIdentity(encodeIdentity(identity))).toEqual(identity);
  });

  test.each([
    '',
    'null',
    '[]',
    '"wardround-identity/1"',
    '{"format":"wardround-identity/2"}',
    '{"format":"wardround-identity/1","signingSeed":5,"sealingSecret":null}',
    '{"format":"wardround-identity/1","signingSeed":"AAAA","sealingSecret":"AAAA"}',
    encodeIdentity(known).slice(0, -20),
  ])('refuse %j without repeating it', (text) => {
    expect(() => decodeIdentity(text)).toThrow(SyntaxError);
    expect(() => decodeIdentity(text)).not.toThrow(/AAAA|nWGxn/);
  });
});
