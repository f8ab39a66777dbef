/** Sealed updates come in here, in pieces that are requests of their own (protocols/transfer/resumable-upload.ts). */

import { Sha256 } from '@wardround/protocols/names.ts';
import {
  tusExtensions,
  tusVersion,
  UploadAnnouncement,
  type UploadState,
  uploadHeaders,
  uploadPath,
  uploadStatementHash,
  uploadsPath,
} from '@wardround/protocols/transfer/resumable-upload.ts';
import { releaseMemory } from '@wardround/shared/bytes/release-memory.ts';
import { SIGNATURE_HEADERS, signAnswer } from '@wardround/shared/crypto/signed-request.ts';
import { type Router as ExpressRouter, type Request, type Response, Router } from 'express';
import { z } from 'zod';
import { RefusalError } from '../refusal-error.ts';
import type { Clock } from '../rounds/clock.ts';
import type { UploadStore } from '../storage/upload-store.ts';
import { OffsetMismatchError, PieceMismatchError } from '../storage/uploads/staged-upload.ts';
import type { StagedUploads, UploadProgress } from '../storage/uploads/staged-uploads.ts';
import { PieceLengthError } from '../storage/uploads/write-slices.ts';
import type { Caller, OwnIdentity } from './caller.ts';
import type { ExpectedUploads } from './expected-upload.ts';
import { limits } from './limits.ts';
import { admitCaller, type Gate, parse, parseJson } from './message-route.ts';
import { declaredBytes, readBody, requirePlainEncoding } from './read-body.ts';
import { paced, type SitePace } from './site-pace.ts';
import { createTokenBucket } from './token-bucket.ts';

const NamesUpload = z.object({ hash: Sha256 });
const Offset = z.object({
  offset: z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number),
});

export function uploadRoutes(
  gate: Gate,
  parts: {
    readonly own: OwnIdentity;
    readonly uploads: UploadStore;
    readonly staged: StagedUploads;
    readonly expected: ExpectedUploads;
    readonly clock: Clock;
    /** How fast a site may send; null for as fast as it can. */
    readonly pace?: SitePace | null;
  },
): ExpressRouter {
  const { own, uploads, staged, expected, clock, pace = null } = parts;
  const pieces: Gate = { ...gate, callers: createTokenBucket(limits.sitePieces, clock.now) };
  const router = Router();

  const send = (request: Request, response: Response, answer: { status: number; progress: UploadProgress }): void => {
    const { offset, length, expiresAtMillis } = answer.progress;
    sendState(request, response, { status: answer.status, state: { offset, length }, own, nowMillis: clock.now() });
    if (expiresAtMillis !== null) response.set(uploadHeaders.expires, new Date(expiresAtMillis).toUTCString());
    response.end();
  };

  router.use(uploadsPath, (request, response, next) => {
    response.set({ [uploadHeaders.version]: tusVersion, 'cache-control': 'no-store' });
    const isOptions = request.method === 'OPTIONS';
    if (!isOptions && request.headers[uploadHeaders.version] !== tusVersion) {
      response.set('tus-version', tusVersion);
      throw new RefusalError('tus-version', { status: 412, message: `Uploads follow tus ${tusVersion} here.` });
    }
    next();
  });

  router.options(uploadsPath, async (request, response) => {
    await admitCaller(gate, request, 'admitted');
    response.set({ 'tus-version': tusVersion, 'tus-extension': tusExtensions, 'tus-checksum-algorithm': 'sha256' });
    response.status(204).end();
  });

  router.post(uploadsPath, async (request, response) => {
    const caller = await admitCaller(gate, request, 'admitted');
    const body = await readBody(request, {
      maximumBytes: limits.messageBytes,
      contentSha256: caller.contentSha256,
    });
    const announcement = parse(UploadAnnouncement, parseJson(body), 422);
    if (request.headers[uploadHeaders.length] !== String(announcement.bytes)) throw headersDiffer();
    expected.require(caller.name, announcement);
    await uploads.makeRoom(caller.name, { needed: expected.needed(), limit: limits.uploadsWaiting });
    const progress = await staged.announce(caller.name, announcement);
    response.set('location', uploadPath(announcement.sha256));
    send(request, response, { status: 201, progress });
  });

  router.head(`${uploadsPath}/:hash`, async (request, response) => {
    const caller = await admitCaller(gate, request, 'admitted');
    const { hash } = parse(NamesUpload, request.params, 404);
    const progress = await staged.find(caller.name, hash);
    if (progress === null) throw notFound();
    send(request, response, { status: 200, progress });
  });

  router.patch(`${uploadsPath}/:hash`, async (request, response) => {
    const caller = await admitCaller(pieces, request, 'admitted');
    const { hash } = parse(NamesUpload, request.params, 404);
    const { offset } = parse(Offset, { offset: request.query['offset'] }, 404);
    requirePiece(request, { offset, caller });
    await requireStillExpected(caller.name, hash);
    // Leaving early must not end the connection before the refusal is sent.
    const incoming = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
    const slices = Object.assign(pace === null ? incoming : paced(incoming, { pace, site: caller.name }), {
      cancel: () => void request.destroy(),
      release: releaseMemory,
    });
    const piece = { offset, bytes: declaredBytes(request), sha256: caller.contentSha256, slices };
    try {
      send(request, response, { status: 204, progress: await staged.receive(caller.name, hash, piece) });
    } catch (error) {
      throw pieceRefusal(error, response);
    }
  });

  router.delete(`${uploadsPath}/:hash`, async (request, response) => {
    const caller = await admitCaller(gate, request, 'admitted');
    const { hash } = parse(NamesUpload, request.params, 404);
    await readBody(request, { maximumBytes: 0, contentSha256: caller.contentSha256 });
    const progress = await staged.find(caller.name, hash);
    if (progress === null) throw notFound();
    // A complete upload belongs to its round.
    if (progress.announcement !== null) await staged.remove(caller.name, hash);
    send(request, response, { status: 204, progress });
  });

  /** A round that is over needs no more bytes: the rest need not be sent. */
  const requireStillExpected = async (site: string, hash: string): Promise<void> => {
    const purpose = (await staged.find(site, hash))?.announcement ?? null;
    if (purpose === null || expected.isExpected(site, purpose)) return;
    throw new RefusalError('no-upload-expected', {
      status: 409,
      message: 'The round that this update was for takes no more. Ask for work.',
    });
  };

  return router;
}

/** The answer's state, signed in place of the body it has not. */
function sendState(
  request: Request,
  response: Response,
  answer: {
    readonly status: number;
    readonly state: UploadState;
    readonly own: OwnIdentity;
    readonly nowMillis: number;
  },
): void {
  const { status, state, own, nowMillis } = answer;
  const requestNonce = String(request.headers[SIGNATURE_HEADERS.nonce]);
  const bodyHash = uploadStatementHash(state);
  response.status(status).set({
    [uploadHeaders.offset]: String(state.offset),
    [uploadHeaders.length]: String(state.length),
    ...signAnswer({ identity: own.identity, status, bodyHash, requestNonce, nowMillis }),
  });
}

/** @throws {RefusalError} when the headers do not describe a piece as it was signed. */
function requirePiece(
  request: Request,
  { offset, caller }: { readonly offset: number; readonly caller: Caller },
): void {
  requirePlainEncoding(request);
  const { headers } = request;
  if (headers['content-type'] !== 'application/offset+octet-stream') {
    throw new RefusalError('not-a-piece', { status: 415, message: 'Pieces are application/offset+octet-stream.' });
  }
  if (headers[uploadHeaders.offset] !== String(offset)) throw headersDiffer();
  const checksum = headers[uploadHeaders.checksum];
  const signed = `sha256 ${Buffer.from(caller.contentSha256, 'hex').toString('base64')}`;
  if (checksum !== undefined && checksum !== signed) throw headersDiffer();
  const bytes = declaredBytes(request);
  if (!(bytes >= 1 && bytes <= limits.uploads.pieceBytes)) {
    throw new RefusalError('piece-too-large', {
      status: 413,
      message: `A piece has its length declared, and ${limits.uploads.pieceBytes} bytes at most.`,
    });
  }
}

/** What a piece that did not count is told; the true offset stands in the headers, as tus has it. */
function pieceRefusal(error: unknown, response: Response): unknown {
  if (error instanceof OffsetMismatchError) {
    response.set({
      [uploadHeaders.offset]: String(error.state.offset),
      [uploadHeaders.length]: String(error.state.length),
    });
    return new RefusalError('offset-mismatch', { status: 409, message: error.message });
  }
  // tus: 460 Checksum Mismatch.
  if (error instanceof PieceMismatchError)
    return new RefusalError('body-hash-mismatch', { status: 460, message: error.message });
  if (error instanceof PieceLengthError)
    return new RefusalError('piece-length', { status: 400, message: error.message });
  return error;
}

function headersDiffer(): RefusalError {
  return new RefusalError('malformed-message', {
    status: 422,
    message: 'The headers say something else than what was signed.',
  });
}

function notFound(): RefusalError {
  return new RefusalError('upload-not-found', {
    status: 404,
    message: 'There is no such upload here, or no longer. Announce it.',
  });
}
