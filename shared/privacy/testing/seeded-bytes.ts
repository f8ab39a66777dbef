/** Bytes as good as random that are the same in every run: for tests of what draws from a cryptographic source. */
import { createCipheriv } from 'node:crypto';
import { sha256 } from '../../bytes/hash.ts';
import type { RandomBytes } from '../random-words.ts';

export function seededBytes(seed: string): RandomBytes {
  const stream = createCipheriv('aes-256-ctr', sha256(seed), new Uint8Array(16));
  return (count) => stream.update(new Uint8Array(count));
}
