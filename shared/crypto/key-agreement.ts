/**
 * X25519 key agreement (RFC 7748) and HKDF-SHA256 (RFC 5869) through node:crypto. Keys are 32 raw bytes, wrapped in their
 * fixed DER prefix; no key is ever exported as JWK, which can hang the process.
 */
import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { UnusableKeyError } from './public-key-check.ts';

/** RFC 8410: the bytes before a raw private key in PKCS #8, and before a raw public key in SPKI. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');

/** Two X25519 keys of 32 bytes; the second half is secret. */
export interface AgreementKeys {
  readonly publicKey: Uint8Array;
  readonly secretKey: Uint8Array;
}

export type RandomBytes = (length: number) => Uint8Array;

/** @param randomBytes a cryptographic source. */
export function generateAgreementKeys(randomBytes: RandomBytes): AgreementKeys {
  const secretKey = Uint8Array.from(randomBytes(32));
  return { publicKey: agreementPublicKey(secretKey), secretKey };
}

/** The public half of an X25519 secret key. */
export function agreementPublicKey(secretKey: Uint8Array): Uint8Array {
  const spki = createPublicKey(importSecret(secretKey)).export({ format: 'der', type: 'spki' });
  return new Uint8Array(spki.subarray(SPKI_PREFIX.length));
}

/**
 * The 32 bytes that both owners of two pairs of keys come to. Not uniform: derive keys from it.
 *
 * @throws {UnusableKeyError} when the public key is a point of small order, whose secret everybody knows.
 */
export function agreeOnSecret(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  return createAgreement(secretKey)(publicKey);
}

/** `agreeOnSecret` with one secret key and many public keys: reading in the secret key costs more than agreeing. */
export function createAgreement(secretKey: Uint8Array): (publicKey: Uint8Array) => Uint8Array {
  const privateKey = importSecret(secretKey);
  return (publicKey) => {
    const theirs = importPublic(publicKey);
    let secret: Uint8Array | null = null;
    try {
      secret = new Uint8Array(diffieHellman({ privateKey, publicKey: theirs }));
    } catch {
      // OpenSSL refuses to derive the all-zero secret.
    }
    if (secret === null || secret.every((byte) => byte === 0)) {
      throw new UnusableKeyError('Cannot agree on a secret: needed a point of large order, found one of small order');
    }
    return secret;
  };
}

/**
 * A key of 32 bytes for one purpose (HKDF-SHA256).
 *
 * @param secret what two parties agreed on.
 * @param options `salt` is public and fresh in each session, `info` says what the key is for.
 */
export function deriveKey(
  secret: Uint8Array,
  options: { readonly salt: Uint8Array; readonly info: Uint8Array | string },
): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', createSecretKey(secret), options.salt, options.info, 32));
}

function importSecret(secretKey: Uint8Array): KeyObject {
  requireLength(secretKey, 'secret key');
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, secretKey]), format: 'der', type: 'pkcs8' });
}

function importPublic(publicKey: Uint8Array): KeyObject {
  requireLength(publicKey, 'public key');
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' });
}

function requireLength(bytes: Uint8Array, name: string): void {
  if (bytes.length !== 32) throw new RangeError(`Cannot use the ${name}: needed 32 bytes, found ${bytes.length}`);
}
