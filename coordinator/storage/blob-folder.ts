/**
 * A folder of content-addressed files: each is named by its SHA-256 and never changes. A file appears under its name
 * only when it is whole and on the disk, so whoever finds it may rely on it.
 */
import { createHash, type Hash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { type Sha256Hex, sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { readAt, readInto } from '@wardround/shared/files/read-at.ts';
import { syncFolder } from '@wardround/shared/files/sync-folder.ts';
import {
  BlobDamagedError,
  type BlobDraft,
  type BlobEntry,
  type BlobFile,
  BlobMismatchError,
  type BlobStore,
  BlobTooLargeError,
  type OpenBlob,
} from './blob-store.ts';

export interface BlobFolder extends BlobStore {
  readonly folder: string;
  pathOf(hash: Sha256Hex): string;
}

const pieceBytes = 1 << 20;
const streamBytes = 512 * 1024;
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

  const list = async (): Promise<Sha256Hex[]> => (await readdir(folder)).filter((name) => hashPattern.test(name));

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
    async stream(hash, { start, end }) {
      const stream = createReadStream(pathOf(hash), { start, end, highWaterMark: streamBytes });
      return await once(stream, 'open').then(
        () => stream,
        (error: unknown) => {
          throw isMissing(error) ? new BlobDamagedError(missingBlob(hash)) : error;
        },
      );
    },
    async remove(hash) {
      await rm(pathOf(hash), { force: true });
    },
    list,
    async entries() {
      const entries: BlobEntry[] = [];
      for (const hash of await list()) {
        // Another process may remove it meanwhile.
        const found = await stat(pathOf(hash)).catch(() => null);
        if (found !== null) entries.push({ hash, modifiedMillis: found.mtimeMs });
      }
      return entries;
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
