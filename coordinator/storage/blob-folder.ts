/**
 * A folder of content-addressed files: each is named by its SHA-256 and never changes. A file appears under its name
 * only when it is whole and on the disk, so whoever finds it may rely on it.
 */
import { createHash, type Hash, randomUUID } from 'node:crypto';
import { type FileHandle, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { type Sha256Hex, sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { readAt, readInto } from '@wardround/shared/files/read-at.ts';
import { syncFolder } from '@wardround/shared/files/sync-folder.ts';

export interface BlobFolder {
  readonly folder: string;
  pathOf(hash: Sha256Hex): string;
  /** The blob's size in bytes, or null when it is not here. */
  size(hash: Sha256Hex): Promise<number | null>;
  /** Stores bytes under their hash; durable when it returns. */
  put(bytes: Uint8Array): Promise<Sha256Hex>;
  /**
   * Stores a stream under the hash it was announced with; durable when it returns its size.
   *
   * @throws {BlobTooLargeError} @throws {BlobMismatchError}
   */
  receive(
    hash: Sha256Hex,
    pieces: AsyncIterable<Uint8Array>,
    options: { readonly maximumBytes: number },
  ): Promise<number>;
  /** @throws {BlobDamagedError} when the blob is not here or its bytes are not those of its name. */
  read(hash: Sha256Hex): Promise<Uint8Array>;
  /**
   * Opens a blob to read of it what is needed, after its bytes were checked piece by piece. Whoever opens it disposes of it.
   *
   * @throws {BlobDamagedError} as `read` does.
   */
  open(hash: Sha256Hex): Promise<OpenBlob>;
  /**
   * Opens a blob without reading it first, for whoever checks what it reads or reads it once more.
   *
   * @throws {BlobDamagedError} when the blob is not here.
   */
  openUnchecked(hash: Sha256Hex): Promise<BlobFile>;
  /** Begins a blob of any size. It is one when it is published; disposed of before that, nothing of it stays. */
  draft(): Promise<BlobDraft>;
  remove(hash: Sha256Hex): Promise<void>;
  /** The hashes of all whole blobs. */
  list(): Promise<Sha256Hex[]>;
  /** Removes what an interrupted run left half-written, and every blob that is not to be kept. */
  sweep(keep: ReadonlySet<Sha256Hex>): Promise<void>;
}

/** A blob of any size, read in parts. */
export interface OpenBlob extends AsyncDisposable {
  readonly sizeBytes: number;
  /** @throws {RangeError} when the blob ends before them. */
  read(range: { readonly position: number; readonly bytes: number }): Promise<Uint8Array>;
}

/** A blob that is a file of this machine. */
export interface BlobFile extends OpenBlob {
  /** For threads of this process that read it: open until this is disposed of. */
  readonly descriptor: number;
}

/** A blob that is being written. */
export interface BlobDraft extends AsyncDisposable {
  /** Adds bytes to its end; the bytes may be used for others once this resolves. */
  append(bytes: Uint8Array): Promise<void>;
  /** Writes bytes somewhere behind its end. They are read once more to be hashed, when it is published. */
  writeAhead(bytes: Uint8Array, position: number): Promise<void>;
  /**
   * Makes it a blob; durable when it returns.
   *
   * @throws {BlobMismatchError} when its bytes are not those that are expected.
   */
  publish(options?: { readonly expected?: Sha256Hex }): Promise<Sha256Hex>;
}

export class BlobTooLargeError extends Error {
  override readonly name = 'BlobTooLargeError';
}
export class BlobMismatchError extends Error {
  override readonly name = 'BlobMismatchError';
}
export class BlobDamagedError extends Error {
  override readonly name = 'BlobDamagedError';
}

const pieceBytes = 1 << 20;
const hashPattern = /^[0-9a-f]{64}$/;

export function openBlobFolder(folder: string): BlobFolder {
  const pathOf = (hash: Sha256Hex): string => path.join(folder, requireHash(hash));

  const draft = async (): Promise<BlobDraft> => {
    const part = path.join(folder, `${randomUUID()}.part`);
    const file = await open(part, 'wx+', 0o600);
    const digest = createHash('sha256');
    let end = 0;
    let whole = 0;
    let isOver = false;
    return {
      async append(bytes) {
        digest.update(bytes);
        const position = end;
        end += bytes.byteLength;
        await writeAt(file, { bytes, position });
      },
      async writeAhead(bytes, position) {
        if (position < end) throw new RangeError('Cannot write ahead: the blob has grown past that position');
        whole = Math.max(whole, position + bytes.byteLength);
        await writeAt(file, { bytes, position });
      },
      async publish({ expected } = {}) {
        await addToDigest(digest, { file, from: end, to: whole });
        const hash = digest.digest('hex');
        if (expected !== undefined && hash !== expected) {
          throw new BlobMismatchError(
            'Cannot store the blob: its bytes are not those of the announced hash. Send it again.',
          );
        }
        await file.sync();
        await rename(part, pathOf(hash));
        isOver = true;
        await file.close();
        await syncFolder(folder);
        return hash;
      },
      async [Symbol.asyncDispose]() {
        if (isOver) return;
        isOver = true;
        await file.close().catch(() => undefined);
        await rm(part, { force: true });
      },
    };
  };

  const write = async (
    pieces: AsyncIterable<Uint8Array>,
    { maximumBytes, expected }: { readonly maximumBytes: number; readonly expected?: Sha256Hex },
  ): Promise<{ hash: Sha256Hex; size: number }> => {
    await using blob = await draft();
    let size = 0;
    for await (const piece of pieces) {
      size += piece.byteLength;
      if (size > maximumBytes) {
        throw new BlobTooLargeError(`Cannot store the blob: at most ${maximumBytes} bytes are expected, more arrived`);
      }
      await blob.append(piece);
    }
    return { hash: await blob.publish(expected === undefined ? {} : { expected }), size };
  };

  const openWith = async (
    hash: Sha256Hex,
    check: (file: FileHandle, size: number) => Promise<void>,
  ): Promise<BlobFile> => {
    const file = await open(pathOf(hash)).catch((error: unknown) => {
      throw isMissing(error) ? new BlobDamagedError(missingBlob(hash)) : error;
    });
    try {
      const { size: sizeBytes } = await file.stat();
      await check(file, sizeBytes);
      const read: OpenBlob['read'] = (range) => readAt(file, range);
      return { sizeBytes, descriptor: file.fd, read, [Symbol.asyncDispose]: () => file.close() };
    } catch (error) {
      await file.close();
      throw error;
    }
  };

  return {
    folder,
    pathOf,
    async size(hash) {
      try {
        return (await stat(pathOf(hash))).size;
      } catch (error) {
        if (isMissing(error)) return null;
        throw error;
      }
    },
    async put(bytes) {
      const { hash } = await write(inPieces(bytes), { maximumBytes: bytes.byteLength });
      return hash;
    },
    async receive(hash, pieces, { maximumBytes }) {
      const { size } = await write(pieces, { maximumBytes, expected: requireHash(hash) });
      return size;
    },
    async read(hash) {
      let bytes: Uint8Array;
      try {
        bytes = await readFile(pathOf(hash));
      } catch (error) {
        if (isMissing(error)) throw new BlobDamagedError(missingBlob(hash));
        throw error;
      }
      if (sha256Hex(bytes) !== hash) {
        throw new BlobDamagedError(changedBlob(hash));
      }
      return bytes;
    },
    open: (hash) =>
      openWith(hash, async (file, size) => {
        const digest = createHash('sha256');
        await addToDigest(digest, { file, from: 0, to: size });
        if (digest.digest('hex') !== hash) throw new BlobDamagedError(changedBlob(hash));
      }),
    openUnchecked: (hash) => openWith(hash, async () => undefined),
    draft,
    async remove(hash) {
      await rm(pathOf(hash), { force: true });
    },
    async list() {
      return (await readdir(folder)).filter((name) => hashPattern.test(name));
    },
    async sweep(keep) {
      for (const name of await readdir(folder)) {
        if (!keep.has(name)) await rm(path.join(folder, name), { force: true });
      }
    },
  };
}

/** Reads into the same memory again and again: the collector would let hundreds of megabytes wait. */
async function addToDigest(
  digest: Hash,
  { file, from, to }: { readonly file: FileHandle; readonly from: number; readonly to: number },
): Promise<void> {
  const buffer = new Uint8Array(Math.max(0, Math.min(pieceBytes, to - from)));
  for (let position = from; position < to; ) {
    const target = buffer.subarray(0, to - position);
    await readInto(file, { position, target });
    digest.update(target);
    position += target.length;
  }
}

async function writeAt(
  file: FileHandle,
  { bytes, position }: { readonly bytes: Uint8Array; readonly position: number },
): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.byteLength - done, position + done);
    done += bytesWritten;
  }
}

function missingBlob(hash: Sha256Hex): string {
  return `Cannot read blob ${hash.slice(0, 12)}: it is not there`;
}

function changedBlob(hash: Sha256Hex): string {
  return `Cannot read blob ${hash.slice(0, 12)}: its bytes have changed on the disk`;
}

/** Pieces, so that hashing and writing a large array lets other work in between. */
async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.byteLength; offset += pieceBytes) {
    yield bytes.subarray(offset, offset + pieceBytes);
  }
}

/** A hash is used as a file name, so nothing else may pass for one. */
function requireHash(hash: string): Sha256Hex {
  if (!hashPattern.test(hash)) throw new TypeError('Cannot name a blob: 64 lower-case hexadecimal digits are needed');
  return hash;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
