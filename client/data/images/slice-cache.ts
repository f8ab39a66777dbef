/**
 * Decoded slices in one file, so that a restart need not decode again. A slice is found by a hash of its file's identity
 * and its window; the file holds no id, no name and no path. A damaged cache is no cache.
 *
 *   "WRSLICE1"  length of the index (uint32)  index (JSON)  grey levels [slices, size, size]  SHA-256 of all before
 */
import { createHash } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { hashOfJson } from '@wardround/shared/bytes/hash.ts';
import { writeFileAtomically } from '../../state/atomic-file.ts';

export interface CachedSlices {
  readonly sizePixels: number;
  /** The name of each slice, in the order of the levels. */
  readonly names: readonly string[];
  /** [names.length, sizePixels, sizePixels]. */
  readonly levels: Uint8Array;
}

const MAGIC = Buffer.from('WRSLICE1');
const DIGEST_BYTES = 32;
const NAME = /^[0-9a-f]{32}$/;
const LARGEST_INDEX_BYTES = 512 * 1024 * 1024;
const PIECE_BYTES = 256 * 1024 * 1024;

/** Where the slices of these imaging settings are kept. */
export function sliceCachePath(directory: string, settings: object): string {
  return join(directory, `slices-${hashOfJson('slice-cache/1', settings).slice(0, 32)}.bin`);
}

/** What names a slice: enough of its file to notice a change, hashed. */
export interface SliceIdentity {
  readonly relativePath: string;
  readonly sizeBytes: number;
  readonly modifiedMillis: number;
  readonly frame: number;
  /** What the window depends on beside the settings. */
  readonly window: string;
}

export function sliceName(identity: SliceIdentity): string {
  return hashOfJson('slice/1', identity).slice(0, 32);
}

async function readWhole(path: string): Promise<Uint8Array> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; ) {
      const { bytesRead } = await handle.read(bytes, at, Math.min(PIECE_BYTES, size - at), at);
      if (bytesRead === 0) throw new RangeError('the file became shorter while it was read');
      at += bytesRead;
    }
    return bytes;
  } finally {
    await handle.close();
  }
}

function digest(pieces: Iterable<Uint8Array>): Buffer {
  const hash = createHash('sha256');
  for (const piece of pieces) {
    // OpenSSL takes at most 2 GiB at once.
    for (let at = 0; at < piece.length; at += PIECE_BYTES) hash.update(piece.subarray(at, at + PIECE_BYTES));
  }
  return hash.digest();
}

function decode(bytes: Uint8Array, sizePixels: number): CachedSlices | null {
  const indexStart = MAGIC.length + 4;
  const end = bytes.length - DIGEST_BYTES;
  if (end < indexStart || !MAGIC.equals(bytes.subarray(0, MAGIC.length))) return null;
  if (!digest([bytes.subarray(0, end)]).equals(bytes.subarray(end))) return null;
  const indexLength = new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.length, true);
  if (indexLength > LARGEST_INDEX_BYTES || indexStart + indexLength > end) return null;
  const names: unknown = JSON.parse(Buffer.from(bytes.subarray(indexStart, indexStart + indexLength)).toString('utf8'));
  const levels = bytes.subarray(indexStart + indexLength, end);
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string' && NAME.test(name))) return null;
  return levels.length === names.length * sizePixels * sizePixels ? { sizePixels, names, levels } : null;
}

/** The cached slices, or null when there are none or the file is damaged or of another size. */
export async function loadSlices(path: string, { sizePixels }: { sizePixels: number }): Promise<CachedSlices | null> {
  try {
    return decode(await readWhole(path), sizePixels);
  } catch {
    return null;
  }
}

/**
 * Replaces the cache, wholly or not at all; only its owner can read it.
 *
 * @throws the file system's errors, whose messages name the path.
 */
export async function saveSlices(
  path: string,
  { directory, slices }: { directory: string; slices: CachedSlices },
): Promise<void> {
  const index = Buffer.from(JSON.stringify(slices.names));
  const indexLength = Buffer.alloc(4);
  indexLength.writeUInt32LE(index.length);
  const pieces = [MAGIC, indexLength, index, slices.levels];
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeFileAtomically(path, [...pieces, digest(pieces)]);
}
