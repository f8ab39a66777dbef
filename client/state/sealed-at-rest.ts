/**
 * Secrets on the site's own disk, readable with the site's keys alone: a copy of single files (a backup of a subfolder, a
 * folder sent along with a question) gives nothing away. Whoever has the site's keys as well can open them.
 *
 * AES-256-GCM under a key of its own for every seal, HKDF-SHA256 of the site's X25519 secret with a fresh salt. What the
 * bytes are for is authenticated: sealed for one place, they do not open in another.
 *
 *   salt 32 | body | tag 16, base64url
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { decodeBase64Url, encodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import type { Identity } from '@wardround/shared/crypto/identity.ts';
import { deriveKey } from '@wardround/shared/crypto/key-agreement.ts';

const INFO = 'wardround-sealed-at-rest/1';
const SALT_BYTES = 32;
const TAG_BYTES = 16;
/** No key is used twice. */
const NONCE = Buffer.alloc(12);

interface AtRest {
  readonly identity: Pick<Identity, 'sealingSecret'>;
  /** What the bytes are and where they lie. Not secret. */
  readonly purpose: string;
}

export function sealAtRest(plaintext: Uint8Array, { identity, purpose }: AtRest): string {
  const salt = randomBytes(SALT_BYTES);
  const key = deriveKey(identity.sealingSecret, { salt, info: INFO });
  const cipher = createCipheriv('aes-256-gcm', key, NONCE).setAAD(Buffer.from(purpose));
  const body = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  key.fill(0);
  return encodeBase64Url(Buffer.concat([salt, body, cipher.getAuthTag()]));
}

/** Null when it was sealed with other keys or for something else, or is damaged. */
export function openAtRest(sealed: string, { identity, purpose }: AtRest): Uint8Array | null {
  try {
    const bytes = Buffer.from(decodeBase64Url(sealed));
    if (bytes.length < SALT_BYTES + TAG_BYTES) return null;
    const key = deriveKey(identity.sealingSecret, { salt: bytes.subarray(0, SALT_BYTES), info: INFO });
    const decipher = createDecipheriv('aes-256-gcm', key, NONCE, { authTagLength: TAG_BYTES })
      .setAAD(Buffer.from(purpose))
      .setAuthTag(bytes.subarray(-TAG_BYTES));
    key.fill(0);
    return Buffer.concat([decipher.update(bytes.subarray(SALT_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch {
    return null;
  }
}
