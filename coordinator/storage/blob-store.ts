/**
 * Content-addressed bytes: each blob is named by its SHA-256 and never changes. It is there when it is whole and durable, so
 * whoever finds it may rely on it. In a folder (blob-folder.ts) or in an object store (objects/object-blobs.ts).
 */
import type { Readable } from 'node:stream';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';

export interface BlobStore {
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
  /** The bytes from `start` to `end`, both included, unchecked. @throws {BlobDamagedError} when the blob is not here. */
  stream(hash: Sha256Hex, range: { readonly start: number; readonly end: number }): Promise<Readable>;
  remove(hash: Sha256Hex): Promise<void>;
  /** The hashes of all whole blobs. */
  list(): Promise<Sha256Hex[]>;
  /** The same, with when each was stored last. */
  entries(): Promise<BlobEntry[]>;
  /** Removes what an interrupted run left half-written, and every blob that is not to be kept. */
  sweep(keep: ReadonlySet<Sha256Hex>): Promise<void>;
}

export interface BlobEntry {
  readonly hash: Sha256Hex;
  readonly modifiedMillis: number;
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
