import nacl from 'tweetnacl';
import { describe, expect, test } from 'vitest';
import { signMessage, verifyMessage } from './ed25519.ts';

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));

describe('signMessage()', () => {
  test('gives RFC 8032’s signatures (section 7.1, tests 1 and 3)', () => {
    const sign = (message: string, seed: string) =>
      Buffer.from(signMessage(bytes(message), bytes(seed))).toString('hex');
    expect(sign('', '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60')).toBe(
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    );
    expect(sign('af82', 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7')).toBe(
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    );
  });

  test('gives tweetnacl’s bytes for tweetnacl’s keys', () => {
    for (let trial = 0; trial < 20; trial += 1) {
      const { publicKey, secretKey } = nacl.sign.keyPair();
      const message = nacl.randomBytes(trial * 10);
      const signature = signMessage(message, secretKey.subarray(0, 32));
      expect(signature).toEqual(nacl.sign.detached(message, secretKey));
      expect(verifyMessage(message, { signature, publicKey })).toBe(true);
    }
  });

  test('refuses a key of another length', () => {
    expect(() => signMessage(new Uint8Array(), new Uint8Array(64))).toThrow('needed 32 bytes, found 64');
  });
});

describe('verifyMessage()', () => {
  const { publicKey, secretKey } = nacl.sign.keyPair();
  const message = bytes('0102030405');
  const signature = signMessage(message, secretKey.subarray(0, 32));

  test('refuses a changed message, another key and a signature of another length', () => {
    expect(verifyMessage(bytes('0102030406'), { signature, publicKey })).toBe(false);
    expect(verifyMessage(message, { signature, publicKey: nacl.sign.keyPair().publicKey })).toBe(false);
    expect(verifyMessage(message, { signature: signature.subarray(1), publicKey })).toBe(false);
    expect(verifyMessage(message, { signature: new Uint8Array(64), publicKey })).toBe(false);
  });

  test('refuses a signature that was spelt a second way (S + L), which tweetnacl accepts', () => {
    const order = (1n << 252n) + 27742317777372353535851937790883648493n;
    const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + order;
    const second = Uint8Array.from(signature);
    second.set(Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse(), 32);
    expect(nacl.sign.detached.verify(message, second, publicKey)).toBe(true);
    expect(verifyMessage(message, { signature: second, publicKey })).toBe(false);
  });

  test('refuses a key of another length', () => {
    expect(() => verifyMessage(message, { signature, publicKey: publicKey.subarray(1) })).toThrow(RangeError);
  });
});
