/** Turns whatever went wrong into what is said on the wire. What was sent to us is never repeated in an answer. */
import { randomUUID } from 'node:crypto';
import type { Problem } from '@wardround/protocols/session/messages.ts';
import { SignatureRefusedError } from '@wardround/shared/crypto/signed-request.ts';
import type { Logger } from 'pino';
import { RefusalError } from '../refusal-error.ts';
import { BlobMismatchError, BlobTooLargeError } from '../storage/blob-store.ts';
import { DatabaseUnavailableError } from '../storage/database-errors.ts';
import { SequenceRefusedError } from './use-sequence.ts';

export interface ProblemAnswer {
  readonly status: number;
  readonly problem: Problem;
  readonly retryAfterSeconds?: number;
}

/** Too many requests. */
export class TooManyRequestsError extends Error {
  override readonly name = 'TooManyRequestsError';
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super('Too many requests. Ask again after the time in Retry-After.');
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

const SQLITE_FULL = 13;
/** A full disk seldom has room again at once. */
const storageFullSeconds = 5;
/** PostgreSQL's disk_full. */
const DISK_FULL = '53100';
/** When a database that was restarted should answer again. */
const databaseRetrySeconds = 5;

/** Anything unknown becomes a bare 500 whose id finds the cause in the coordinator's log. */
export function problemOf(error: unknown, log: Logger): ProblemAnswer {
  if (error instanceof SequenceRefusedError) {
    const { status, code, message, leastSequence } = error;
    return { status, problem: { code, message, leastSequence } };
  }
  if (error instanceof RefusalError) return answer(error.status, error.code, error.message);
  if (error instanceof SignatureRefusedError) {
    return answer(error.code === 'body-hash-mismatch' ? 422 : 401, error.code, error.message);
  }
  if (error instanceof TooManyRequestsError) {
    return { ...answer(429, 'too-many-requests', error.message), retryAfterSeconds: error.retryAfterSeconds };
  }
  if (error instanceof BlobTooLargeError) return answer(413, 'blob-too-large', error.message);
  if (error instanceof BlobMismatchError) return answer(422, 'blob-mismatch', error.message);
  if (error instanceof URIError) return answer(400, 'malformed-address', 'The address cannot be decoded.');
  if (isStorageFull(error)) {
    log.error({ problem: 'storage-full' }, 'nothing can be stored');
    const message = 'The coordinator’s disk is full; nothing was accepted. Try again later.';
    return { ...answer(507, 'storage-full', message), retryAfterSeconds: storageFullSeconds };
  }
  if (error instanceof DatabaseUnavailableError) {
    log.error({ problem: 'database-unavailable' }, 'the database cannot be reached');
    const message =
      'The coordinator’s database cannot be reached; nothing was acknowledged. Send the same again later.';
    return { ...answer(503, 'database-unavailable', message), retryAfterSeconds: databaseRetrySeconds };
  }
  const id = randomUUID();
  log.error({ id, error: describe(error) }, 'a request failed');
  const message = `Something failed at the coordinator. Its administrator finds the cause under ${id}.`;
  return answer(500, 'internal-error', message);
}

function answer(status: number, code: string, message: string): ProblemAnswer {
  return { status, problem: { code, message } };
}

function isStorageFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  return code === 'ENOSPC' || code === 'EDQUOT' || code === DISK_FULL || errcode === SQLITE_FULL;
}

/** Name and stack lines without the message, which may hold what was sent. */
function describe(error: unknown): { name: string; at: string[] } {
  if (!(error instanceof Error)) return { name: typeof error, at: [] };
  const at = (error.stack ?? '').split('\n').filter((line) => line.trimStart().startsWith('at '));
  return { name: error.name, at: at.slice(0, 8).map((line) => line.trim()) };
}
