/**
 * One upload on its way in. Pieces are written where they belong as they come, a few at once; they count in order, each when
 * its hash is the one its site signed and its bytes are on the disk. What was acknowledged survives kill -9 and power cuts:
 * the bytes are synced, then the piece is logged, then the answer goes out. Pieces that wait share one sync.
 *
 * When the last one counts, the file is checked against the hash of the whole and gets it as its name.
 */
import { open as openFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { UploadAnnouncement, UploadState } from '@wardround/protocols/transfer/resumable-upload.ts';
import { syncFolder } from '@wardround/shared/files/sync-folder.ts';
import type { Clock } from '../../rounds/clock.ts';
import { BlobMismatchError } from '../blob-store.ts';
import type { HashingThreads } from './hash-pieces.ts';
import { type LoggedPiece, readPieceLog, writePieceLog } from './piece-log.ts';
import { type Slices, writeSlices } from './write-slices.ts';

/** The bytes of one request. */
export interface IncomingPiece {
  readonly offset: number;
  readonly bytes: number;
  readonly sha256: string;
}

export interface StagedUpload {
  readonly announcement: UploadAnnouncement;
  state(): UploadState;
  /** When bytes last counted. */
  lastProgressMillis(): number;
  /** Whether pieces are under way. */
  isBusy(): boolean;
  /** False once nothing more can come of it: it is complete, or failed and must be opened anew. */
  isOpen(): boolean;
  /**
   * Resolves when the piece is on the disk, at once when it was before.
   *
   * @throws {OffsetMismatchError | PieceMismatchError | BlobMismatchError}
   */
  receive(piece: IncomingPiece, slices: Slices): Promise<UploadState>;
  /** Lets go of the files; pieces under way fail. */
  close(): Promise<void>;
}

/** The piece does not belong where the upload stands. */
export class OffsetMismatchError extends Error {
  override readonly name = 'OffsetMismatchError';
  readonly state: UploadState;

  constructor(state: UploadState) {
    super(`The upload stands at byte ${state.offset} of ${state.length}. Go on from there.`);
    this.state = state;
  }
}

/** The piece is not the one that was signed. */
export class PieceMismatchError extends Error {
  override readonly name = 'PieceMismatchError';
}

export interface StagingOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly hashing: HashingThreads;
  /** A piece must not be larger, and this many may be under way at once. */
  readonly pieceBytes: number;
  readonly piecesAtOnce: number;
  /** How long a piece waits for the one ahead of it. */
  readonly pieceWaitMillis: number;
  /** The file system; a test may give a full disk. */
  readonly open?: typeof openFile;
}

export const dataSuffix = '.upload';
export const logSuffix = '.pieces';

interface PieceUnderWay extends IncomingPiece {
  readonly end: number;
  readonly settled: PromiseWithResolvers<void>;
  readonly cancel: () => void;
  /** Resolves when nothing more is written for it. */
  written: Promise<void>;
  isWritten: boolean;
}

/** Takes up the upload that is in the folder. @returns null when there is none. */
export async function resumeUpload(sha256: string, options: StagingOptions): Promise<StagedUpload | null> {
  const log = await readPieceLog(path.join(options.folder, sha256 + logSuffix));
  if (log === null || log.beginning.announcement.sha256 !== sha256) return null;
  return stageUpload(log, options);
}

/** Begins an upload. Its announcement is on the disk when it resolves. */
export function beginUpload(announcement: UploadAnnouncement, options: StagingOptions): Promise<StagedUpload> {
  return stageUpload({ beginning: { announcement, atMillis: options.clock.now() }, pieces: [] }, options);
}

async function stageUpload(
  { beginning, pieces: logged }: NonNullable<Awaited<ReturnType<typeof readPieceLog>>>,
  options: StagingOptions,
): Promise<StagedUpload> {
  const { folder, clock, hashing, open = openFile } = options;
  const { announcement } = beginning;
  const { sha256, bytes: length } = announcement;
  const dataPath = path.join(folder, sha256 + dataSuffix);
  const logPath = path.join(folder, sha256 + logSuffix);
  const file = await open(dataPath, logged.length === 0 ? 'w+' : 'r+', 0o600);
  const hasher = hashing.open();
  let offset = 0;
  let progressMillis = logged.at(-1)?.atMillis ?? beginning.atMillis;
  /** By the piece's first byte: the pieces that count, so that their repeats are acknowledged. */
  const counted = new Map<number, LoggedPiece>();
  try {
    for (const piece of logged) {
      const isNext = piece.offset === offset && offset + piece.bytes <= length;
      if (!isNext || !(await hasher.add({ ...piece, fd: file.fd, position: offset }))) break;
      counted.set(offset, piece);
      offset += piece.bytes;
    }
  } catch (error) {
    hasher.close();
    await file.close();
    throw error;
  }
  // A log with fewer lines: what lies behind the last good piece is sent again.
  const log = await writePieceLog(logPath, { beginning, pieces: [...counted.values()] });
  await file.datasync();
  await syncFolder(folder);

  const underWay = new Map<number, PieceUnderWay>();
  let isOpen = true;
  /** How far the whole's hash has come: ahead of the offset while bytes are synced, so that neither waits for the other. */
  let hashedTo = offset;
  let adding = Promise.resolve(true);
  let isHashing = false;
  const hashed: PieceUnderWay[] = [];
  let isCounting = false;

  const state = (): UploadState => ({ offset, length });

  const close = async (reason: Error = new OffsetMismatchError(state())): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    hasher.close();
    const left = [...underWay.values()];
    for (const piece of left) {
      fail(piece, reason);
      if (!piece.isWritten) piece.cancel();
    }
    await Promise.allSettled([...left.map(({ written }) => written), adding]);
    await Promise.allSettled([file.close(), log.close()]);
  };

  function fail(piece: PieceUnderWay, reason: unknown): void {
    if (underWay.get(piece.offset) === piece) underWay.delete(piece.offset);
    piece.settled.reject(reason);
  }

  const count = async (pieces: readonly PieceUnderWay[]): Promise<void> => {
    await file.datasync();
    const atMillis = clock.now();
    const lines = pieces.map(({ offset, bytes, sha256 }) => ({ offset, bytes, sha256, atMillis }));
    await log.append(lines);
    for (const line of lines) counted.set(line.offset, line);
    progressMillis = atMillis;
    offset = pieces.at(-1)!.end;
  };

  const finish = async (): Promise<void> => {
    if ((await hasher.digest()) !== sha256) {
      await Promise.all([rm(logPath, { force: true }), rm(dataPath, { force: true })]);
      await syncFolder(folder);
      offset = 0;
      throw new BlobMismatchError(
        'Cannot store the upload: its bytes are not those of the announced hash. Begin again.',
      );
    }
    await rename(dataPath, path.join(folder, sha256));
    await syncFolder(folder);
    await rm(logPath, { force: true });
  };

  /** What the disk holds decides after a failure: it is read again with the next request. */
  const giveUp = (error: unknown): Promise<void> =>
    close(error instanceof Error ? error : new Error('The upload failed'));

  /** In order, one at a time. */
  const hashNext = async (): Promise<void> => {
    if (isHashing) return;
    isHashing = true;
    try {
      for (let piece = underWay.get(hashedTo); piece?.isWritten && isOpen; piece = underWay.get(hashedTo)) {
        adding = hasher.add({ ...piece, fd: file.fd, position: piece.offset });
        if (await adding) {
          hashedTo = piece.end;
          hashed.push(piece);
          void countHashed();
        } else {
          fail(piece, new PieceMismatchError('The piece is not the one that was signed. Send it again.'));
        }
      }
    } catch (error) {
      await giveUp(error);
    } finally {
      isHashing = false;
    }
  };

  /** One sync at a time: what is hashed meanwhile shares the next. */
  const countHashed = async (): Promise<void> => {
    if (isCounting) return;
    isCounting = true;
    try {
      while (hashed.length > 0 && isOpen) {
        const pieces = hashed.splice(0);
        await count(pieces);
        if (offset === length) await finish();
        for (const piece of pieces) {
          underWay.delete(piece.offset);
          piece.settled.resolve();
        }
        if (offset === length) await close();
      }
    } catch (error) {
      await giveUp(error);
    } finally {
      isCounting = false;
    }
  };

  /** A piece that came ahead of its turn waits only so long: the one ahead of it may never come. */
  const giveUpInTime = (piece: PieceUnderWay): void => {
    const cancelAlarm = clock.at(clock.now() + options.pieceWaitMillis, () => {
      if (isHashing || piece.end <= hashedTo) giveUpInTime(piece);
      else fail(piece, new OffsetMismatchError(state()));
    });
    piece.settled.promise.then(cancelAlarm, cancelAlarm);
  };

  const receive = async (piece: IncomingPiece, slices: Slices): Promise<UploadState> => {
    const end = piece.offset + piece.bytes;
    const before = counted.get(piece.offset);
    if (before?.sha256 === piece.sha256 && before.bytes === piece.bytes) return state();
    const waiting = underWay.get(piece.offset);
    if (waiting?.isWritten === true && waiting.sha256 === piece.sha256) {
      await waiting.settled.promise;
      return state();
    }
    if (!isOpen || piece.offset < hashedTo) throw new OffsetMismatchError(state());
    // The site repeats what it believes lost: what it sent before is not waited for any longer.
    for (const older of [...underWay.values()].filter((other) => other.offset < end && piece.offset < other.end)) {
      fail(older, new OffsetMismatchError(state()));
      if (!older.isWritten) older.cancel();
      await older.written.catch(() => undefined);
    }
    const farthest = offset + options.piecesAtOnce * options.pieceBytes;
    const overlaps = [...underWay.values()].some((other) => other.offset < end && piece.offset < other.end);
    const isTooMany = underWay.size >= options.piecesAtOnce;
    if (!isOpen || piece.offset < hashedTo || end > length || end > farthest || overlaps || isTooMany) {
      throw new OffsetMismatchError(state());
    }
    const settled = Promise.withResolvers<void>();
    settled.promise.catch(() => undefined);
    const mine: PieceUnderWay = {
      ...piece,
      end,
      settled,
      cancel: slices.cancel,
      written: Promise.resolve(),
      isWritten: false,
    };
    underWay.set(piece.offset, mine);
    mine.written = writeSlices(file, { slices, position: piece.offset, bytes: piece.bytes });
    try {
      await mine.written;
    } catch (error) {
      fail(mine, error);
      // Why it was cancelled says more than that it was.
      await settled.promise;
    }
    if (underWay.get(piece.offset) === mine) {
      mine.isWritten = true;
      giveUpInTime(mine);
      void hashNext();
    }
    await settled.promise;
    return state();
  };

  const upload: StagedUpload = {
    announcement,
    state,
    lastProgressMillis: () => progressMillis,
    isBusy: () => underWay.size > 0,
    isOpen: () => isOpen,
    receive,
    close: () => close(),
  };
  // Its last piece was logged, and then the power went.
  if (offset === length) {
    try {
      await finish();
    } finally {
      await close();
    }
  }
  return upload;
}
