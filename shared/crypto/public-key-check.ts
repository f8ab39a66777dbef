/**
 * Refuses public keys that are not keys: points of small order, with which a shared secret is known to everybody (X25519)
 * or one signature fits many messages (ed25519). Nobody draws one by accident.
 */
import nacl from 'tweetnacl';

/** A public key that must not be used. */
export class UnusableKeyError extends Error {
  override readonly name = 'UnusableKeyError';
}

/**
 * The encodings of ed25519's points of small order (RFC 8032, curve of cofactor 8), canonical or not, with the sign bit
 * cleared, as libsodium's `ge25519_has_small_order` lists them: orders 4, 1, 8, 8, 2, 4 and 1.
 */
const ED25519_SMALL_ORDER = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

/** @throws {UnusableKeyError} when the 32-byte ed25519 key has small order. */
export function requireUsableSigningKey(publicKey: Uint8Array): void {
  const unsigned = Buffer.from(publicKey);
  unsigned[31]! &= 0x7f;
  if (ED25519_SMALL_ORDER.has(unsigned.toString('hex'))) {
    throw new UnusableKeyError('Cannot use the signing key: needed a point of large order, found one of small order');
  }
}

/**
 * @throws {UnusableKeyError} when the 32-byte X25519 key has small order: exactly then every shared secret is all zero (RFC
 * 7748, section 6.1).
 */
export function requireUsableSealingKey(publicKey: Uint8Array): void {
  // Clamped scalars are multiples of the cofactor, so any one of them shows a small order.
  const sharedSecret = nacl.scalarMult(new Uint8Array(32).fill(1), publicKey);
  if (sharedSecret.every((byte) => byte === 0)) {
    throw new UnusableKeyError('Cannot use the sealing key: needed a point of large order, found one of small order');
  }
}
