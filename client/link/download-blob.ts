/** Downloads a content-addressed blob into the site's folder: resumes where it broke off, and keeps only bytes that match their name. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { releaseMemory } from '@wardround/shared/bytes/release-memory.ts';
import { CoordinatorUnreachableError, DiskFullError, UntrustedAnswerError } from './errors.ts';
import type { ExchangeAnswer, Passing } from './http-exchange.ts';
import { receiveBody } from './receive-body.ts';

export interface BlobDownload {
  /** The folder that holds the blobs, each under its hash. */
  readonly folder: string;
  /** Asks for the blob from this byte on; answers with status 200, 206 or 416 only. */
  readonly get: (firstByte: number) => Promise<ExchangeAnswer>;
  /** More bytes than this are refused. */
  readonly maximumBytes: number;
  readonly signal: AbortSignal;
  /** Kept from attempt to attempt. */
  readonly memory?: DownloadMemory;
  /** Holds the bytes back to the site's bandwidth; null where there is no limit. */
  readonly passing?: Passing | null;
  /** Told of the bytes that are here. */
  readonly onProgress?: (bytes: number) => void;
}

/** The hash of what an attempt left in the part file, so that the next need not read it again. */
export interface DownloadMemory {
  kept: { readonly bytes: number; readonly hash: Hash } | null;
}

export function createDownloadMemory(): DownloadMemory {
  return { kept: null };
}

const PART_SUFFIX = '.part';

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function hashFile(path: string): Promise<Hash> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash;
}

function firstByteOf(answer: ExchangeAnswer): number {
  if (answer.status === 200) return 0;
  const first = /^bytes (\d{1,15})-/.exec(answer.headers['content-range'] ?? '')?.[1];
  return first === undefined ? Number.NaN : Number(first);
}

/** Appends the answer's body to the part file, whose first `kept` bytes are already there. */
async function append(
  answer: ExchangeAnswer,
  { file, kept, hash, download }: { file: FileHandle; kept: number; hash: Hash; download: BlobDownload },
): Promise<void> {
  const { memory, passing, signal, onProgress } = download;
  /** Bytes in the file, and those that came. */
  let size = kept;
  let arrived = kept;
  /** Used in turn: one is written while the other fills. */
  let [filling, other] = [Buffer.allocUnsafeSlow(BATCH_BYTES), Buffer.allocUnsafeSlow(BATCH_BYTES)];
  let filled = 0;
  let lateMillis = performance.now() + BATCH_MILLIS;
  /** Null when what was handed to the disk is there. */
  let writing: Promise<void> | null = null;
  const flush = (): void => {
    const batch = filling.subarray(0, filled);
    [filling, other] = [other, filling];
    filled = 0;
    lateMillis = performance.now() + BATCH_MILLIS;
    writing = writeWhole(file, batch).then(() => {
      writing = null;
      size += batch.length;
      onProgress?.(size);
    });
    // It is looked at with the next batch; until then a failure is nobody's surprise.
    writing.catch(() => undefined);
    hash.update(batch);
  };
  const put = (piece: Buffer): void | Promise<void> => {
    const isFull = filled + piece.length > BATCH_BYTES;
    if (isFull && writing !== null) return writing.then(() => put(piece));
    if (isFull && filled > 0) flush();
    if (piece.length > BATCH_BYTES) return putHalves(piece);
    filled += piece.copy(filling, filled);
    releaseMemory(piece);
    if (writing === null && performance.now() > lateMillis) flush();
  };
  const putHalves = async (piece: Buffer): Promise<void> => {
    const half = piece.length >> 1;
    await put(piece.subarray(0, half));
    await put(piece.subarray(half));
  };
  const take = (piece: Buffer): void | Promise<void> => {
    arrived += piece.length;
    if (arrived > download.maximumBytes) {
      throw new UntrustedAnswerError(
        `Cannot use the blob: it must have at most ${download.maximumBytes} bytes and the coordinator sent more.`,
      );
    }
    if (passing == null) return put(piece);
    return passing.pass(piece.length, signal).then(() => put(piece));
  };
  try {
    try {
      await receiveBody(answer.body, take);
    } finally {
      // What came before the line broke need not come again.
      while (writing !== null) await writing;
      flush();
      await writing;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof UntrustedAnswerError) throw error;
    if (isLocalFailure(error)) throw await localFailure(error, { file, size });
    if (memory !== undefined) memory.kept = { bytes: size, hash };
    throw new CoordinatorUnreachableError('The download broke off. It goes on from where it stopped.');
  }
}

/** As much as one write has, and as long as bytes may wait for it. */
const BATCH_BYTES = 1 << 20;
const BATCH_MILLIS = 250;

async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done);
    done += bytesWritten;
  }
}

const DISK_FULL = ['ENOSPC', 'EDQUOT'];

/** What a full disk is to the caller: the rest is fetched when there is room again. */
async function localFailure(error: unknown, { file, size }: { file: FileHandle; size: number }): Promise<unknown> {
  if (!DISK_FULL.includes((error as NodeJS.ErrnoException).code ?? '')) return error;
  // A write that went in half is not a part of what is kept.
  await file.truncate(size).catch(() => undefined);
  return new DiskFullError(
    'Cannot keep what the coordinator sends: the disk of the site’s folder is full. Make room; the download goes on by itself from where it stopped.',
  );
}

/** A full disk or a broken folder: asking the coordinator again would not help. */
function isLocalFailure(error: unknown): boolean {
  return [...DISK_FULL, 'EROFS', 'EIO', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '');
}

/**
 * Makes one attempt to complete the blob; what arrived before an interruption is kept for the next attempt.
 *
 * @returns the path of the complete, verified blob.
 * @throws {CoordinatorUnreachableError} when the connection breaks: call again to resume.
 * @throws {UntrustedAnswerError} when the bytes are not those the name stands for.
 */
export async function downloadBlob(hash: Sha256Hex, download: BlobDownload): Promise<string> {
  const { folder } = download;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const complete = join(folder, hash);
  const part = complete + PART_SUFFIX;
  const size = await sizeOf(complete);
  if (size !== null) {
    if ((await hashFile(complete)).digest('hex') === hash) {
      download.onProgress?.(size);
      return complete;
    }
    await rm(complete, { force: true });
  }
  // Everything slow comes before the request: a connection that breaks while nobody reads loses what it had brought.
  const file = await open(part, 'a', 0o600);
  let resumed = false;
  let running = createHash('sha256');
  try {
    const { size: kept } = await file.stat();
    const before = download.memory?.kept;
    if (download.memory !== undefined) download.memory.kept = null;
    const soFar = kept === 0 ? running : before?.bytes === kept ? before.hash : await hashFile(part);
    download.onProgress?.(kept);
    const answer = await download.get(kept);
    resumed = answer.status === 206 && kept > 0 && firstByteOf(answer) === kept;
    if (answer.status !== 200 && !resumed) {
      // The kept bytes cannot be continued (a shorter blob, or a server that answers oddly): start over next time.
      answer.body.destroy();
      await file.truncate(0);
      throw new CoordinatorUnreachableError('The download could not be resumed. It starts again.');
    }
    if (resumed) running = soFar;
    else if (kept > 0) await file.truncate(0);
    await append(answer, { file, kept: resumed ? kept : 0, hash: running, download });
  } finally {
    await file.close();
  }
  if (running.digest('hex') !== hash) {
    await rm(part, { force: true });
    if (resumed) throw new CoordinatorUnreachableError('The resumed download was damaged. It starts again.');
    throw new UntrustedAnswerError('Cannot use the blob: its bytes do not match the hash it was asked by.');
  }
  // Not synced: whoever finds it after a power cut checks its bytes, as above, and fetches them again.
  await rename(part, complete);
  return complete;
}

/** Removes every blob, whole or in part, that is not in `keep`. */
export async function pruneBlobs(folder: string, keep: ReadonlySet<Sha256Hex>): Promise<void> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  for (const name of names) {
    if (!keep.has(name.replace(PART_SUFFIX, ''))) await rm(join(folder, name), { force: true });
  }
}
