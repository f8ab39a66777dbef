/**
 * ed25519 signatures (RFC 8032) through node:crypto, which refuses the second spellings of a signature that tweetnacl
 * accepts and verifies a hundred times faster. Keys are 32 raw bytes, wrapped in their fixed DER prefix; no key is ever
 * exported as JWK, which can hang the process.
 */
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';

/** RFC 8410: the bytes before a raw private key in PKCS #8, and before a raw public key in SPKI. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** @param seed the 32-byte private key of RFC 8032 (tweetnacl's `secretKey` begins with it). */
export function signMessage(message: Uint8Array, seed: Uint8Array): Uint8Array {
  requireLength(seed, 32, 'private key');
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
  return new Uint8Array(sign(null, message, key));
}

/** Whether `signature` (64 bytes) is the key's signature of the message. A value of a wrong length is no signature. */
export function verifyMessage(
  message: Uint8Array,
  options: { readonly signature: Uint8Array; readonly publicKey: Uint8Array },
): boolean {
  const { signature, publicKey } = options;
  requireLength(publicKey, 32, 'public key');
  if (signature.length !== 64) return false;
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' });
  return verify(null, message, key, signature);
}

function requireLength(bytes: Uint8Array, length: number, name: string): void {
  if (bytes.length !== length) {
    throw new RangeError(`Cannot use the ${name}: needed ${length} bytes, found ${bytes.length}`);
  }
}
