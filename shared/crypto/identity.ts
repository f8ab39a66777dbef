/**
 * Who a site or the coordinator is: an ed25519 key that signs and an X25519 key that opens. Each side makes its own at
 * first start with tweetnacl; the private halves never leave its disk.
 */
import nacl from 'tweetnacl';
import { decodeBase64Url, encodeBase64Url } from '../bytes/base64url.ts';
import { hashOfJson, type Sha256Hex } from '../bytes/hash.ts';
import { requireUsableSealingKey, requireUsableSigningKey } from './public-key-check.ts';

/** Secret. */
export interface Identity {
  /** The 32-byte ed25519 private key. */
  readonly signingSeed: Uint8Array;
  /** The 32-byte X25519 private key. */
  readonly sealingSecret: Uint8Array;
}

/** What others know of an identity, each 32 bytes as base64url. */
export interface PublicKeys {
  readonly signingKey: string;
  readonly sealingKey: string;
}

export function generateIdentity(): Identity {
  return {
    signingSeed: nacl.sign.keyPair().secretKey.slice(0, 32),
    sealingSecret: nacl.box.keyPair().secretKey,
  };
}

export function publicKeys(identity: Identity): PublicKeys {
  return {
    signingKey: encodeBase64Url(nacl.sign.keyPair.fromSeed(identity.signingSeed).publicKey),
    sealingKey: encodeBase64Url(nacl.box.keyPair.fromSecretKey(identity.sealingSecret).publicKey),
  };
}

/** The name of a pair of public keys, by which an invitation pins the coordinator. */
export function fingerprint(keys: PublicKeys): Sha256Hex {
  const { signingKey, sealingKey } = keys;
  return hashOfJson('identity/1', { signingKey, sealingKey });
}

/**
 * Checks keys that another side announced.
 *
 * @throws {SyntaxError | RangeError} when a key is not 32 bytes as base64url.
 * @throws {UnusableKeyError} when a key is a point of small order.
 */
export function checkPublicKeys(keys: PublicKeys): void {
  requireUsableSigningKey(decodeBase64Url(keys.signingKey, { length: 32 }));
  requireUsableSealingKey(decodeBase64Url(keys.sealingKey, { length: 32 }));
}

/** The identity as text for its owner's disk. Secret: write it readable by its owner alone. */
export function encodeIdentity(identity: Identity): string {
  return `${JSON.stringify({
    format: IDENTITY_FORMAT,
    signingSeed: encodeBase64Url(identity.signingSeed),
    sealingSecret: encodeBase64Url(identity.sealingSecret),
  })}\n`;
}

/** @throws {SyntaxError} when the text is not an identity; the text never appears in the error. */
export function decodeIdentity(text: string): Identity {
  try {
    const { format, signingSeed, sealingSecret } = JSON.parse(text);
    if (format === IDENTITY_FORMAT) {
      return {
        signingSeed: decodeBase64Url(signingSeed, { length: 32 }),
        sealingSecret: decodeBase64Url(sealingSecret, { length: 32 }),
      };
    }
  } catch {
    // The parser's own message would repeat parts of the secret.
  }
  throw new SyntaxError(
    `Cannot read the identity: needed "${IDENTITY_FORMAT}" with two 32-byte keys. Restore it from a backup; a new ` +
      'identity would be a stranger to the other side.',
  );
}

const IDENTITY_FORMAT = 'wardround-identity/1';
