/**
 * Uploads on their way in where any replica may take the next piece: each piece is an object of its own, named after where it
 * belongs, its length and its hash, and counts when those before it are there. What was acknowledged is in the store; no
 * replica remembers anything. Whoever stores the last piece puts them together and checks the whole.
 */
import { createHash } from 'node:crypto';
import { UploadAnnouncement } from '@wardround/protocols/transfer/resumable-upload.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { z } from 'zod';
import { RefusalError } from '../refusal-error.ts';
import type { Clock } from '../rounds/clock.ts';
import { BlobDamagedError, BlobMismatchError } from '../storage/blob-store.ts';
import { type ObjectStore, readObject } from '../storage/objects/object-store.ts';
import type { UploadStore } from '../storage/upload-store.ts';
import { requireQuota } from '../storage/uploads/require-quota.ts';
import { type IncomingPiece, OffsetMismatchError, PieceMismatchError } from '../storage/uploads/staged-upload.ts';
import type { StagedUploads, UploadLimits, UploadProgress } from '../storage/uploads/staged-uploads.ts';
import { PieceLengthError, type Slices } from '../storage/uploads/write-slices.ts';

const Beginning = z.strictObject({ announcement: UploadAnnouncement, atMillis: z.number() });
const announcementName = 'announcement';
/** Numbers in names are as long as one another, so that names sort as they do. */
const digits = 15;
const piecePattern = /^(\d{15})-(\d{15})-([0-9a-f]{64})$/;

interface StoredPiece {
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
}

interface Staged {
  readonly announcement: UploadAnnouncement;
  /** Those that count, in their order. */
  readonly pieces: readonly StoredPiece[];
  readonly offset: number;
  readonly sinceMillis: number;
}

export function openSharedUploads(
  stores: { readonly pieces: ObjectStore; readonly uploads: UploadStore },
  { clock, limits }: { readonly clock: Clock; readonly limits: UploadLimits },
): StagedUploads {
  const { pieces: objects, uploads } = stores;
  const assembling = new Map<string, Promise<void>>();
  const folderOf = (site: string, sha256: Sha256Hex): string => `${site}/${sha256}/`;

  const complete = async (site: string, sha256: Sha256Hex): Promise<UploadProgress | null> => {
    const size = await (await uploads.of(site)).size(sha256);
    return size === null ? null : { offset: size, length: size, expiresAtMillis: null };
  };

  const look = async (site: string, sha256: Sha256Hex): Promise<Staged | null> => {
    const folder = folderOf(site, sha256);
    const beginning = await readBeginning(objects, folder + announcementName);
    if (beginning === null || beginning.announcement.sha256 !== sha256) return null;
    let sinceMillis = beginning.atMillis;
    const byOffset = new Map<number, StoredPiece>();
    for await (const { name, modifiedMillis } of objects.list(folder)) {
      const found = piecePattern.exec(name.slice(folder.length));
      if (found === null) continue;
      const piece = { name, offset: Number(found[1]), bytes: Number(found[2]) };
      sinceMillis = Math.max(sinceMillis, modifiedMillis);
      if ((byOffset.get(piece.offset)?.bytes ?? 0) < piece.bytes) byOffset.set(piece.offset, piece);
    }
    const counted: StoredPiece[] = [];
    let offset = 0;
    for (let next = byOffset.get(0); next !== undefined; next = byOffset.get(offset)) {
      counted.push(next);
      offset += next.bytes;
    }
    return { announcement: beginning.announcement, pieces: counted, offset, sinceMillis };
  };

  const progressOf = ({ announcement, offset, sinceMillis }: Staged): UploadProgress => ({
    offset,
    length: announcement.bytes,
    expiresAtMillis: offset === announcement.bytes ? null : sinceMillis + limits.expiryMillis,
  });

  const remove = async (site: string, sha256: Sha256Hex): Promise<void> => {
    const names: string[] = [];
    for await (const { name } of objects.list(folderOf(site, sha256))) names.push(name);
    for (const name of names) await objects.remove(name);
  };

  async function* bytesOf(pieces: readonly StoredPiece[]): AsyncGenerator<Uint8Array> {
    for (const { name } of pieces) {
      const stream = await objects.get(name);
      if (stream === null) throw new BlobDamagedError('A piece of the upload is gone: another replica has taken it');
      yield* stream as AsyncIterable<Uint8Array>;
    }
  }

  const assemble = async (site: string, staged: Staged): Promise<void> => {
    const { sha256, bytes } = staged.announcement;
    try {
      await (await uploads.of(site)).receive(sha256, bytesOf(staged.pieces), { maximumBytes: bytes });
    } catch (error) {
      // Another replica put them together first.
      if ((await complete(site, sha256)) !== null) return;
      if (error instanceof BlobMismatchError) await remove(site, sha256);
      throw error;
    }
    await remove(site, sha256);
  };

  const finish = async (site: string, staged: Staged): Promise<UploadProgress> => {
    const key = folderOf(site, staged.announcement.sha256);
    const under = assembling.get(key) ?? assemble(site, staged).finally(() => assembling.delete(key));
    assembling.set(key, under);
    await under;
    return progressOf(staged);
  };

  const settle = (site: string, staged: Staged): Promise<UploadProgress> | UploadProgress =>
    staged.offset === staged.announcement.bytes ? finish(site, staged) : progressOf(staged);

  const unfinished = async (site: string): Promise<Staged[]> => {
    const hashes = new Set<string>();
    for await (const { name } of objects.list(`${site}/`)) hashes.add(name.split('/')[1] ?? '');
    const found: Staged[] = [];
    for (const sha256 of hashes) {
      const staged = await look(site, sha256);
      if (staged !== null) found.push(staged);
    }
    return found.sort((a, b) => a.sinceMillis - b.sinceMillis);
  };

  const requireRoom = async (site: string, announcement: UploadAnnouncement): Promise<void> => {
    const others = (await unfinished(site)).filter((staged) => staged.announcement.sha256 !== announcement.sha256);
    // What stands still longest gives way: a site that begins anew has no use for it.
    while (others.length >= limits.uploadsAtOnce) {
      const spare = others.shift();
      if (spare !== undefined) await remove(site, spare.announcement.sha256);
    }
    const announcedBytes = others.reduce((sum, staged) => sum + staged.announcement.bytes, announcement.bytes);
    await requireQuota(await uploads.of(site), { announcedBytes, siteBytes: limits.siteBytes });
  };

  return {
    async announce(site, announcement) {
      const { sha256 } = announcement;
      const whole = await complete(site, sha256);
      if (whole !== null) return whole;
      await requireRoom(site, announcement);
      let staged = await look(site, sha256);
      if (staged !== null && staged.announcement.bytes !== announcement.bytes) {
        await remove(site, sha256);
        staged = null;
      }
      if (staged === null) {
        const beginning = { announcement, atMillis: clock.now() };
        await objects.put(folderOf(site, sha256) + announcementName, Buffer.from(JSON.stringify(beginning)));
        staged = { announcement, pieces: [], offset: 0, sinceMillis: beginning.atMillis };
      }
      return settle(site, staged);
    },
    async find(site, sha256) {
      const staged = await look(site, sha256);
      if (staged !== null) return { ...progressOf(staged), announcement: staged.announcement };
      const whole = await complete(site, sha256);
      return whole && { ...whole, announcement: null };
    },
    async receive(site, sha256, { slices, ...piece }) {
      const before = await look(site, sha256);
      if (before === null) {
        const whole = await complete(site, sha256);
        if (whole !== null && piece.offset + piece.bytes <= whole.length) return whole;
        throw new RefusalError('upload-not-found', {
          status: 404,
          message: 'There is no such upload here, or no longer. Announce it.',
        });
      }
      const { announcement, offset } = before;
      const farthest = Math.min(announcement.bytes, offset + limits.piecesAtOnce * limits.pieceBytes);
      const isOwn = before.pieces.some(({ name }) => name.endsWith(nameOf(piece)));
      if (!isOwn && (piece.offset < offset || piece.offset + piece.bytes > farthest)) {
        throw new OffsetMismatchError({ offset, length: announcement.bytes });
      }
      if (!isOwn) await objects.put(folderOf(site, sha256) + nameOf(piece), await readPiece(piece, slices));
      const after = await look(site, sha256);
      // Gone: another replica has put the pieces together meanwhile, or removed them.
      const whole = after === null ? await complete(site, sha256) : null;
      if (whole !== null) return whole;
      if (after === null) throw new OffsetMismatchError({ offset: 0, length: announcement.bytes });
      return settle(site, after);
    },
    remove,
    async sweep(isExpected) {
      const sites = new Set<string>();
      for await (const { name } of objects.list('')) sites.add(name.split('/')[0] ?? '');
      for (const site of sites) {
        for (const { announcement, sinceMillis } of await unfinished(site)) {
          const isOver = clock.now() - sinceMillis >= limits.expiryMillis;
          if (isOver || !isExpected(site, announcement)) await remove(site, announcement.sha256);
        }
      }
    },
    async close() {
      await Promise.allSettled(assembling.values());
    },
  };
}

/** @throws {PieceLengthError | PieceMismatchError} when it is not the one that was signed. */
async function readPiece(piece: IncomingPiece, slices: Slices): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(piece.bytes);
  const digest = createHash('sha256');
  let filled = 0;
  for await (const slice of slices) {
    if (filled + slice.byteLength > piece.bytes) throw wrongLength(piece);
    bytes.set(slice, filled);
    digest.update(slice);
    filled += slice.byteLength;
  }
  if (filled !== piece.bytes) throw wrongLength(piece);
  if (digest.digest('hex') === piece.sha256) return bytes;
  throw new PieceMismatchError('The piece is not the one that was signed. Send it again.');
}

function wrongLength({ bytes }: IncomingPiece): PieceLengthError {
  return new PieceLengthError(`The piece has not the ${bytes} bytes that were announced. Send it again.`);
}

function nameOf({ offset, bytes, sha256 }: IncomingPiece): string {
  return `${String(offset).padStart(digits, '0')}-${String(bytes).padStart(digits, '0')}-${sha256}`;
}

async function readBeginning(objects: ObjectStore, name: string): Promise<z.infer<typeof Beginning> | null> {
  const bytes = await readObject(objects, name);
  return bytes === null ? null : Beginning.parse(JSON.parse(bytes.toString()));
}
