/** Downloads a content-addressed blob into the site's folder: resumes where it broke off, and keeps only bytes that match their name. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { CoordinatorUnreachableError, DiskFullError, UntrustedAnswerError } from './errors.ts';
import type { ExchangeAnswer, Passing } from './http-exchange.ts';

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
  let size = kept;
  let arrived = kept;
  let batch: Buffer[] = [];
  let batched = 0;
  let lateMillis = performance.now() + BATCH_MILLIS;
  const flush = async (): Promise<void> => {
    const slices = batch;
    batch = [];
    batched = 0;
    lateMillis = performance.now() + BATCH_MILLIS;
    await writeWhole(file, slices);
    for (const slice of slices) hash.update(slice);
    size = slices.reduce((sum, slice) => sum + slice.length, size);
    onProgress?.(size);
  };
  try {
    try {
      for await (const slice of answer.body) {
        const piece = slice as Buffer;
        arrived += piece.length;
        if (arrived > download.maximumBytes) {
          throw new UntrustedAnswerError(
            `Cannot use the blob: it must have at most ${download.maximumBytes} bytes and the coordinator sent more.`,
          );
        }
        await passing?.pass(piece.length, signal);
        batch.push(piece);
        batched += piece.length;
        if (batched >= BATCH_BYTES || performance.now() > lateMillis) await flush();
      }
    } finally {
      // What came before the line broke need not come again.
      await flush();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof UntrustedAnswerError) throw error;
    if (isLocalFailure(error)) throw await localFailure(error, { file, size });
    if (memory !== undefined) memory.kept = { bytes: size, hash };
    throw new CoordinatorUnreachableError('The download broke off. It goes on from where it stopped.');
  }
}

/** As much as one write should have, and as long as bytes may wait for it. */
const BATCH_BYTES = 512 * 1024;
const BATCH_MILLIS = 250;

async function writeWhole(file: FileHandle, slices: readonly Buffer[]): Promise<void> {
  for (let left = slices; left.length > 0; ) {
    let { bytesWritten } = await file.writev(left);
    const behind: Buffer[] = [];
    for (const slice of left) {
      if (bytesWritten < slice.length) behind.push(slice.subarray(bytesWritten));
      bytesWritten = Math.max(0, bytesWritten - slice.length);
    }
    left = behind;
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
