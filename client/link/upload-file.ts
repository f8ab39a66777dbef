/**
 * Sends a file in pieces (protocols/transfer/resumable-upload.ts). Each piece is read once, hashed, signed and written into
 * the site's ledger before it leaves; what was acknowledged is never sent again, across lost connections and restarts of
 * either side.
 *
 * Over a quick line some pieces are under way at once, so that it does not stand still while the coordinator's disk works.
 * Over a slow one they go one by one: each makes steady progress, and a lost connection costs one piece at most.
 */

import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { EgressLabel } from '@wardround/protocols/audit/egress-record.ts';
import {
  tusVersion,
  type UploadAnnouncement,
  type UploadState,
  uploadHeaders,
  uploadPath,
  uploadPiecesAtOnce,
  uploadsPath,
} from '@wardround/protocols/transfer/resumable-upload.ts';
import { readInto } from '@wardround/shared/files/read-at.ts';
import { type Retrying, retry } from './backoff.ts';
import { CoordinatorRefusedError, CoordinatorUnreachableError } from './errors.ts';
import type { Passing } from './http-exchange.ts';
import { jsonBody, type SignedClient } from './signed-client.ts';

export interface FileUpload {
  readonly announcement: UploadAnnouncement;
  readonly file: string;
  /** What the site's ledger says of every piece. */
  readonly label: EgressLabel;
  /** Told of the bytes that the coordinator has. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

export interface UploadOptions {
  readonly client: Pick<SignedClient, 'uploadState'>;
  readonly retrying: Retrying;
  /** Holds the bytes back to the site's bandwidth; null where there is no limit. */
  readonly passing: Passing | null;
  readonly pieceBytes: number;
}

/** A piece this quick is one of several at once. */
const QUICK_PIECE_MILLIS = 2000;
/** The coordinator found other bytes than those announced: so often they are sent anew. */
const MOST_RESTARTS = 2;
/** Refusals after which the coordinator says where to go on, or to begin anew. */
const OUT_OF_STEP = ['offset-mismatch', 'upload-not-found', 'body-hash-mismatch', 'piece-length', 'blob-mismatch'];

/** @throws {CoordinatorRefusedError | EgressLedgerError} and what `retry` lets through. */
export async function uploadFile(upload: FileUpload, options: UploadOptions): Promise<void> {
  const { announcement, onProgress } = upload;
  const { client, retrying } = options;
  const { signal } = retrying;
  let acknowledged = 0;
  let restarts = 0;
  const note = (state: UploadState): boolean => {
    acknowledged = Math.max(acknowledged, state.offset);
    onProgress?.(Math.min(acknowledged, announcement.bytes));
    return state.offset === announcement.bytes;
  };

  const announce = (): Promise<UploadState> => {
    const label = { ...upload.label, what: 'upload-announcement', epsilon: null } as const;
    const body = jsonBody(announcement, label);
    const headers = { [uploadHeaders.version]: tusVersion, [uploadHeaders.length]: String(announcement.bytes) };
    return client.uploadState({ method: 'POST', path: uploadsPath, signal, headers, body }, [201]);
  };

  const attempt = async (): Promise<void> => {
    const state = await announce();
    if (note(state)) return;
    await using file = await open(upload.file);
    try {
      if (await sendPieces(state.offset, { upload, options, file, note })) return;
    } catch (error) {
      if (!(error instanceof CoordinatorRefusedError) || !OUT_OF_STEP.includes(error.code)) throw error;
      if (error.code === 'blob-mismatch') {
        acknowledged = 0;
        if (++restarts > MOST_RESTARTS) throw error;
      }
      throw new CoordinatorUnreachableError(
        'The upload fell out of step. It goes on from where the coordinator has it.',
      );
    }
    throw new CoordinatorUnreachableError('The upload is not acknowledged yet. It goes on from where it stopped.');
  };
  await retry(attempt, { ...retrying, progress: () => acknowledged });
}

/** Sends the pieces from that byte on. @returns whether the coordinator has acknowledged the whole. */
async function sendPieces(
  from: number,
  parts: {
    readonly upload: FileUpload;
    readonly options: UploadOptions;
    readonly file: FileHandle;
    readonly note: (state: UploadState) => boolean;
  },
): Promise<boolean> {
  const { upload, options, file, note } = parts;
  const { announcement, label } = upload;
  const { client, passing, pieceBytes } = options;
  const failed = new AbortController();
  const signal = AbortSignal.any([options.retrying.signal, failed.signal]);
  let next = from;
  let isComplete = false;

  /** @returns how long the piece took. */
  const sendNext = async (memory: PieceMemory): Promise<number> => {
    const startMillis = performance.now();
    const offset = next;
    const bytes = await memory.read(file, {
      position: offset,
      bytes: Math.min(pieceBytes, announcement.bytes - offset),
    });
    const hash = createHash('sha256').update(bytes).digest('hex');
    const request = {
      method: 'PATCH',
      path: `${uploadPath(announcement.sha256)}?offset=${offset}`,
      signal,
      headers: { [uploadHeaders.version]: tusVersion, [uploadHeaders.offset]: String(offset) },
      body: {
        hash,
        type: 'application/offset+octet-stream',
        content: passing === null ? bytes : { bytes, passing },
        label,
      },
    } as const;
    const send = async (): Promise<UploadState> => {
      try {
        return await client.uploadState(request, [204]);
      } catch (error) {
        // The connection may still be sending from this memory.
        memory.letGo();
        throw error;
      }
    };
    if (note(await retry(send, { ...options.retrying, signal }))) isComplete = true;
    return performance.now() - startMillis;
  };

  /** The offset is taken before anything is awaited, so no two take the same. */
  const lane = async (isFirst: boolean): Promise<void> => {
    const memory = createPieceMemory();
    while (next < announcement.bytes && !failed.signal.aborted) {
      const sending = sendNext(memory);
      next += pieceBytes;
      if ((await sending) > QUICK_PIECE_MILLIS && !isFirst) return;
    }
  };

  const first = sendNext(createPieceMemory());
  next += pieceBytes;
  const isQuick = (await first) < QUICK_PIECE_MILLIS && passing === null;
  const lanes = Array.from({ length: isQuick ? uploadPiecesAtOnce : 1 }, (_, index) => lane(index === 0));
  try {
    await Promise.all(lanes);
  } catch (error) {
    // Where the upload is out of step, the pieces under way may still count.
    const mayGoOn = error instanceof CoordinatorRefusedError && OUT_OF_STEP.includes(error.code);
    next = announcement.bytes;
    if (!mayGoOn) failed.abort(error);
    await Promise.allSettled(lanes);
    throw error;
  }
  return isComplete;
}

interface PieceMemory {
  read(file: FileHandle, range: { readonly position: number; readonly bytes: number }): Promise<Uint8Array>;
  letGo(): void;
}

/** One piece's memory, used again and again: a new one for every piece would cost more than hashing it. */
function createPieceMemory(): PieceMemory {
  let memory: Uint8Array | null = null;
  return {
    async read(file, { position, bytes }) {
      if (memory === null || memory.byteLength < bytes) memory = Buffer.allocUnsafeSlow(bytes);
      const piece = memory.subarray(0, bytes);
      await readInto(file, { position, target: piece });
      return piece;
    },
    letGo() {
      memory = null;
    },
  };
}
