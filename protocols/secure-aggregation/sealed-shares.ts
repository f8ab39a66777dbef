/** Two shares, of a site's seed and of its mask key, sealed to one neighbour: nonce 12 | AES-256-GCM of 33 + 33 bytes | tag 16. */
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';
import { decodeBase64Url, encodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import type { RandomBytes } from '@wardround/shared/crypto/key-agreement.ts';

const SHARE_BYTES = 33;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface SharePair {
  readonly seedShare: Uint8Array;
  readonly keyShare: Uint8Array;
}

/** @param key for this pair of sites, this direction and this session alone. */
export function sealShares(
  { seedShare, keyShare }: SharePair,
  options: { readonly key: Uint8Array; readonly randomBytes: RandomBytes },
): string {
  const nonce = options.randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', createSecretKey(options.key), nonce);
  const body = cipher.update(Buffer.concat([seedShare, keyShare]));
  cipher.final();
  return encodeBase64Url(Buffer.concat([nonce, body, cipher.getAuthTag()]));
}

/** Null when the seal is broken or meant for somebody else. */
export function openShares(sealed: string, key: Uint8Array): SharePair | null {
  const bytes = decodeBase64Url(sealed);
  if (bytes.length !== NONCE_BYTES + 2 * SHARE_BYTES + TAG_BYTES) return null;
  const decipher = createDecipheriv('aes-256-gcm', createSecretKey(key), bytes.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  const shares = new Uint8Array(decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)));
  try {
    decipher.final();
  } catch {
    return null;
  }
  return { seedShare: shares.slice(0, SHARE_BYTES), keyShare: shares.slice(SHARE_BYTES) };
}
