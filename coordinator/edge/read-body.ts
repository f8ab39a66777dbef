/** Reads a message's body within its bounds and checks it against the hash that was signed. */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { SignatureRefusedError } from '@wardround/shared/crypto/signed-request.ts';
import { RefusalError } from '../refusal-error.ts';
import { limits } from './limits.ts';

/**
 * @param contentSha256 what the body must hash to.
 * @throws {RefusalError | SignatureRefusedError}
 */
export async function readBody(
  request: IncomingMessage,
  options: { readonly maximumBytes: number; readonly contentSha256: string },
): Promise<Buffer> {
  requirePlainEncoding(request);
  if (declaredBytes(request) > options.maximumBytes) throw tooLarge(options.maximumBytes);
  const hash = createHash('sha256');
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of inTime(request, limits.messageMillis)) {
    size += piece.length;
    if (size > options.maximumBytes) throw tooLarge(options.maximumBytes);
    hash.update(piece);
    pieces.push(piece);
  }
  if (hash.digest('hex') !== options.contentSha256) {
    throw new SignatureRefusedError(
      'body-hash-mismatch',
      'Cannot accept the message: its body is not the one that was signed. Send it again.',
    );
  }
  return Buffer.concat(pieces);
}

/** @throws {RefusalError} when the body is compressed: nothing here inflates what a stranger sent. */
export function requirePlainEncoding(request: IncomingMessage): void {
  const encoding = request.headers['content-encoding'];
  if (encoding === undefined || encoding === 'identity') return;
  throw new RefusalError('encoding-not-accepted', { status: 415, message: 'Bodies must not be compressed.' });
}

/** The announced length; 0 when the body comes in chunks, whose sum is bounded while reading. */
export function declaredBytes(request: IncomingMessage): number {
  return Number(request.headers['content-length'] ?? 0);
}

/** The pieces, as long as all of them arrive in time. */
async function* inTime(request: IncomingMessage, timeoutMillis: number): AsyncGenerator<Buffer> {
  const tooSlow = new RefusalError('message-too-slow', {
    status: 408,
    message: `The message did not arrive within ${timeoutMillis / 1000} s.`,
  });
  const timer = setTimeout(() => request.destroy(tooSlow), timeoutMillis);
  try {
    // Leaving early must not end the connection before the refusal is sent.
    yield* request.iterator({ destroyOnReturn: false });
  } finally {
    clearTimeout(timer);
  }
}

function tooLarge(maximumBytes: number): RefusalError {
  return new RefusalError('message-too-large', {
    status: 413,
    message: `The message is larger than the ${maximumBytes} bytes that are accepted here.`,
  });
}
