/** Cryptographic bytes for each step of a training, drawn from one secret, so that a step that is taken again is the same. */
import { createCipheriv, hkdfSync } from 'node:crypto';
import type { RandomBytes } from './random-words.ts';

export const STEP_SECRET_BYTES = 32;

/**
 * AES-256-CTR under HKDF-SHA256 of the secret and the step: to whoever lacks the secret each step's bytes are fresh.
 *
 * @param secret 32 bytes of a cryptographic source.
 */
export function stepBytes(secret: Uint8Array, step: number): RandomBytes {
  if (secret.length !== STEP_SECRET_BYTES) {
    throw new RangeError(
      `Cannot draw at random: needed a secret of ${STEP_SECRET_BYTES} bytes, found ${secret.length}`,
    );
  }
  const key = new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), `wardround/training-step/1/${step}`, 32));
  const stream = createCipheriv('aes-256-ctr', key, new Uint8Array(16));
  return (count) => stream.update(new Uint8Array(count));
}
