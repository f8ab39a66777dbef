/** SHA-256 through node:crypto (OpenSSL uses the processor's SHA instructions: about 1.5 GB/s against 71 MB/s in plain JavaScript). */
import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical-json.ts';

/** A SHA-256 digest as 64 lower-case hexadecimal digits: the name of a blob, a plan or a model. */
export type Sha256Hex = string;

export function sha256(bytes: Uint8Array | string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

export function sha256Hex(bytes: Uint8Array | string): Sha256Hex {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The hash that names a JSON value: SHA-256 over its canonical text, with a domain tag so that two kinds of value never share a name. */
export function hashOfJson(domain: string, value: unknown): Sha256Hex {
  return sha256Hex(`wardround/${domain}\n${canonicalJson(value)}`);
}
