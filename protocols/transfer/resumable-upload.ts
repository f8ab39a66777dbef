/**
 * How a site sends a large file: tus 1.0 (https://tus.io/protocols/resumable-upload) with the extensions creation,
 * expiration, termination and checksum, in pieces that are requests of their own.
 *
 *   POST   /v1/uploads                    UploadAnnouncement -> 201, Location: /v1/uploads/SHA256
 *   HEAD   /v1/uploads/SHA256             -> 200
 *   PATCH  /v1/uploads/SHA256?offset=N    a piece -> 204
 *   DELETE /v1/uploads/SHA256             -> 204
 *
 * What is stricter than tus:
 * - Every request is signed with the SHA-256 of its body. Signatures cover the address and the body, no other header: so the
 *   announcement is the body of the creation, and the offset stands in the address too.
 * - An upload's name is its whole content's hash, and belongs to the site that signs: creating it again is the same upload,
 *   and its answer says where to go on. A site therefore never needs HEAD, whose refusals carry no signed sentence.
 * - The answers have no body; the signature covers what they state (uploadStatement), so nobody can acknowledge in between.
 * - Some pieces may be under way at once. A piece that came before the one that belongs ahead of it waits for that.
 *
 * No library is used here: @tus/server keeps its offset as the file's length without fsync and tus-js-client sends bodies by
 * itself, unsigned piece by piece, past the site's egress ledger.
 */
import { canonicalJson } from '@wardround/shared/bytes/canonical-json.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { z } from 'zod';
import { Sha256, Slug } from '../names.ts';

export const tusVersion = '1.0.0';
export const tusExtensions = 'creation,expiration,termination,checksum';

/** The largest piece. A piece is in memory at the site while it is hashed and sent, never at the coordinator. */
export const uploadPieceBytes = 4 * 1024 * 1024;
/** Pieces of one upload that may be under way at once: more hide no more of the way there and back. */
export const uploadPiecesAtOnce = 3;

/** What is going to be sent, and for which round. */
export const UploadAnnouncement = z.strictObject({
  sha256: Sha256,
  bytes: z.int().min(1),
  study: Sha256,
  stage: Slug,
  round: z.int().min(1),
});
export type UploadAnnouncement = z.infer<typeof UploadAnnouncement>;

/** Where an upload stands: all bytes before the offset are on the coordinator's disk. It is complete at its length. */
export interface UploadState {
  readonly offset: number;
  readonly length: number;
}

export const uploadHeaders = {
  version: 'tus-resumable',
  offset: 'upload-offset',
  length: 'upload-length',
  checksum: 'upload-checksum',
  expires: 'upload-expires',
} as const;

/** What an answer's signature covers in place of a body. */
export function uploadStatementHash({ offset, length }: UploadState): string {
  return sha256Hex(canonicalJson({ offset, length }));
}

/** The state that an answer's headers give, or null. */
export function readUploadState(headers: Readonly<Record<string, unknown>>): UploadState | null {
  const [offset, length] = [headers[uploadHeaders.offset], headers[uploadHeaders.length]].map((value) =>
    typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN,
  );
  if (offset === undefined || length === undefined || !(offset <= length)) return null;
  return { offset, length };
}

export const uploadsPath = '/v1/uploads';

export function uploadPath(sha256: string): string {
  return `${uploadsPath}/${sha256}`;
}
