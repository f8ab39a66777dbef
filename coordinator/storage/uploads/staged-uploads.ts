/**
 * The uploads that are on their way in, each in its site's own folder. Bounds what a site can leave here: so many uploads at
 * once, so many bytes, for so long.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { UploadAnnouncement, UploadState } from '@wardround/protocols/transfer/resumable-upload.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { RefusalError } from '../../refusal-error.ts';
import type { Clock } from '../../rounds/clock.ts';
import type { UploadFolder } from '../upload-folder.ts';
import { startHashingThreads } from './hash-pieces.ts';
import { type Beginning, readPieceLog } from './piece-log.ts';
import { requireQuota } from './require-quota.ts';
import {
  beginUpload,
  dataSuffix,
  type IncomingPiece,
  logSuffix,
  resumeUpload,
  type StagedUpload,
  type StagingOptions,
} from './staged-upload.ts';
import type { Slices } from './write-slices.ts';

export interface UploadLimits {
  readonly pieceBytes: number;
  readonly piecesAtOnce: number;
  readonly pieceWaitMillis: number;
  /** Of one site: unfinished uploads, and bytes with those that wait to be offered. */
  readonly uploadsAtOnce: number;
  readonly siteBytes: number;
  /** An unfinished upload to which nothing came for so long is removed. */
  readonly expiryMillis: number;
}

export interface UploadProgress extends UploadState {
  /** When it is removed if nothing more comes; null when it is complete. */
  readonly expiresAtMillis: number | null;
}

export interface StagedUploads {
  /**
   * Begins an upload, or finds the one that was begun, or already is complete.
   *
   * @throws {RefusalError} when the site has too much here.
   */
  announce(site: string, announcement: UploadAnnouncement): Promise<UploadProgress>;
  /** Null when there is no such upload. */
  find(
    site: string,
    sha256: Sha256Hex,
  ): Promise<(UploadProgress & { readonly announcement: UploadAnnouncement | null }) | null>;
  /** @throws {RefusalError | OffsetMismatchError | PieceMismatchError | PieceLengthError | BlobMismatchError} */
  receive(site: string, sha256: Sha256Hex, piece: IncomingPiece & { readonly slices: Slices }): Promise<UploadProgress>;
  /** Removes an unfinished upload. */
  remove(site: string, sha256: Sha256Hex): Promise<void>;
  /** Removes what has expired, and what is not expected any more. */
  sweep(isExpected: (site: string, announcement: UploadAnnouncement) => boolean): Promise<void>;
  close(): Promise<void>;
}

export function openStagedUploads(
  uploads: UploadFolder,
  options: {
    readonly clock: Clock;
    readonly limits: UploadLimits;
    /** The file system; a test may give a full disk. */
    readonly open?: NonNullable<StagingOptions['open']>;
  },
): StagedUploads {
  const { clock, limits } = options;
  const hashing = startHashingThreads();
  const opened = new Map<string, Promise<StagedUpload | null>>();
  const keyOf = (site: string, sha256: Sha256Hex): string => `${site}/${sha256}`;

  const stagingOf = async (site: string): Promise<StagingOptions> => ({
    folder: (await uploads.of(site)).folder,
    clock,
    hashing,
    pieceBytes: limits.pieceBytes,
    piecesAtOnce: limits.piecesAtOnce,
    pieceWaitMillis: limits.pieceWaitMillis,
    ...(options.open === undefined ? {} : { open: options.open }),
  });

  /** The upload, opened once however many ask. */
  const take = async (
    site: string,
    { sha256, announcement }: { readonly sha256: Sha256Hex; readonly announcement?: UploadAnnouncement },
  ): Promise<StagedUpload | null> => {
    const key = keyOf(site, sha256);
    for (let current = opened.get(key); current !== undefined; current = opened.get(key)) {
      const upload = await current.catch(() => null);
      if (upload?.isOpen() === true) return upload;
      if (opened.get(key) === current) opened.delete(key);
    }
    const opening = stagingOf(site).then(async (staging) => {
      const resumed = await resumeUpload(sha256, staging);
      if (resumed !== null || announcement === undefined) return resumed;
      return beginUpload(announcement, staging);
    });
    opened.set(key, opening);
    try {
      const upload = await opening;
      if (upload?.isOpen() !== true && opened.get(key) === opening) opened.delete(key);
      return upload;
    } catch (error) {
      if (opened.get(key) === opening) opened.delete(key);
      throw error;
    }
  };

  /** The upload that is open already: asked for every piece, so without a look at the disk. */
  const current = async (site: string, sha256: Sha256Hex): Promise<StagedUpload | null> => {
    const upload = await opened.get(keyOf(site, sha256))?.catch(() => null);
    return upload?.isOpen() === true ? upload : null;
  };

  const complete = async (site: string, sha256: Sha256Hex): Promise<UploadProgress | null> => {
    const size = await (await uploads.of(site)).size(sha256);
    return size === null ? null : { offset: size, length: size, expiresAtMillis: null };
  };

  const progressOf = (upload: StagedUpload): UploadProgress => {
    const state = upload.state();
    const isWhole = state.offset === state.length;
    return { ...state, expiresAtMillis: isWhole ? null : upload.lastProgressMillis() + limits.expiryMillis };
  };

  const remove = async (site: string, sha256: Sha256Hex): Promise<void> => {
    const key = keyOf(site, sha256);
    const upload = await opened.get(key)?.catch(() => null);
    opened.delete(key);
    await upload?.close();
    const { folder } = await uploads.of(site);
    for (const suffix of [logSuffix, dataSuffix]) await rm(path.join(folder, sha256 + suffix), { force: true });
  };

  /** The site's unfinished uploads, those that stand still longest first. */
  const unfinished = async (site: string) => {
    const { folder } = await uploads.of(site);
    const found: {
      readonly sha256: Sha256Hex;
      readonly beginning: Beginning;
      readonly sinceMillis: number;
      readonly isBusy: boolean;
    }[] = [];
    for (const name of await readdir(folder)) {
      if (!name.endsWith(logSuffix)) continue;
      const sha256 = name.slice(0, -logSuffix.length);
      const log = await readPieceLog(path.join(folder, name));
      if (log === null) {
        await remove(site, sha256);
        continue;
      }
      const isBusy = (await opened.get(keyOf(site, sha256))?.catch(() => null))?.isBusy() === true;
      const sinceMillis = log.pieces.at(-1)?.atMillis ?? log.beginning.atMillis;
      found.push({ sha256, beginning: log.beginning, sinceMillis, isBusy });
    }
    return found.sort((a, b) => a.sinceMillis - b.sinceMillis);
  };

  const requireRoom = async (site: string, announcement: UploadAnnouncement): Promise<void> => {
    const others = (await unfinished(site)).filter(({ sha256 }) => sha256 !== announcement.sha256);
    // What stands still gives way: a site that begins anew has no use for it.
    while (others.length >= limits.uploadsAtOnce) {
      const idle = others.findIndex(({ isBusy }) => !isBusy);
      if (idle < 0) {
        throw new RefusalError('too-many-uploads', { status: 429, message: 'Finish the uploads under way first.' });
      }
      const [spare] = others.splice(idle, 1);
      if (spare !== undefined) await remove(site, spare.sha256);
    }
    const announcedBytes = others.reduce(
      (sum, { beginning }) => sum + beginning.announcement.bytes,
      announcement.bytes,
    );
    await requireQuota(await uploads.of(site), { announcedBytes, siteBytes: limits.siteBytes });
  };

  return {
    async announce(site, announcement) {
      const whole = await complete(site, announcement.sha256);
      if (whole !== null) return whole;
      await requireRoom(site, announcement);
      const { sha256 } = announcement;
      let upload = await take(site, { sha256, announcement });
      if (upload !== null && upload.announcement.bytes !== announcement.bytes) {
        await remove(site, sha256);
        upload = await take(site, { sha256, announcement });
      }
      if (upload === null) throw new RangeError('Cannot begin the upload: it ended before it began');
      return progressOf(upload);
    },
    async find(site, sha256) {
      let upload = await current(site, sha256);
      if (upload === null) {
        const whole = await complete(site, sha256);
        if (whole !== null) return { ...whole, announcement: null };
        upload = await take(site, { sha256 });
      }
      return upload === null ? null : { ...progressOf(upload), announcement: upload.announcement };
    },
    async receive(site, sha256, { slices, ...piece }) {
      let upload = await current(site, sha256);
      if (upload === null) {
        const whole = await complete(site, sha256);
        if (whole !== null && piece.offset + piece.bytes <= whole.length) return whole;
        upload = await take(site, { sha256 });
      }
      if (upload === null) {
        throw new RefusalError('upload-not-found', {
          status: 404,
          message: 'There is no such upload here, or no longer. Announce it.',
        });
      }
      const state = await upload.receive(piece, slices);
      return { ...progressOf(upload), ...state };
    },
    remove,
    async sweep(isExpected) {
      for (const site of await readdir(uploads.folder)) {
        for (const { sha256, beginning, sinceMillis, isBusy } of await unfinished(site)) {
          const isOver = clock.now() - sinceMillis >= limits.expiryMillis;
          if (!isBusy && (isOver || !isExpected(site, beginning.announcement))) await remove(site, sha256);
        }
        const { folder } = await uploads.of(site);
        // Bytes whose announcement was not written to the end belong to nothing.
        for (const name of await readdir(folder)) {
          if (!name.endsWith(dataSuffix) || opened.has(keyOf(site, name.slice(0, -dataSuffix.length)))) continue;
          const log = path.join(folder, name.slice(0, -dataSuffix.length) + logSuffix);
          const isThere = await stat(log).then(
            () => true,
            () => false,
          );
          if (!isThere) await rm(path.join(folder, name), { force: true });
        }
      }
    },
    async close() {
      for (const opening of opened.values()) await (await opening.catch(() => null))?.close();
      opened.clear();
      await hashing.close();
    },
  };
}
