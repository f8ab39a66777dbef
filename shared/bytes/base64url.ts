/** base64url without padding (RFC 4648, section 5): how keys, nonces and small boxes stand in JSON, headers and tokens. */

export function encodeBase64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

/**
 * Reads exactly what `encodeBase64Url` writes: no padding, no blanks, no second spelling of the same bytes. The text never
 * appears in an error, as it may be a secret.
 *
 * @throws {SyntaxError} when the text is not base64url.
 * @throws {RangeError} when `length` (in bytes) is given and the text has another.
 */
export function decodeBase64Url(text: string, options: { readonly length?: number } = {}): Uint8Array {
  const bytes = Buffer.from(text, 'base64url');
  // Buffer skips what it cannot read; writing the result again shows whether there was any such thing.
  if (bytes.toString('base64url') !== text) {
    throw new SyntaxError(
      'Cannot decode base64url: needed only A-Z, a-z, 0-9, "-" and "_", without padding or surplus bits',
    );
  }
  if (options.length !== undefined && bytes.length !== options.length) {
    throw new RangeError(`Cannot decode base64url: needed ${options.length} bytes, found ${bytes.length}`);
  }
  return new Uint8Array(bytes);
}
