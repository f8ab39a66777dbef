import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type BlobFolder, openBlobFolder } from './blob-folder.ts';
import { BlobDamagedError, BlobMismatchError, BlobTooLargeError } from './blob-store.ts';
import { openUploadFolder } from './upload-folder.ts';

let folder: string;
let blobs: BlobFolder;
const bytes = new TextEncoder().encode('weights');
const hash = sha256Hex(bytes);

async function* stream(...pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'blobs-'));
  blobs = openBlobFolder(folder);
});
afterEach(() => rm(folder, { recursive: true }));

describe('openBlobFolder()', () => {
  test('stores bytes under their hash and reads them back', async () => {
    expect(await blobs.put(bytes)).toBe(hash);
    expect(new Uint8Array(await blobs.read(hash))).toEqual(bytes);
    expect(await blobs.size(hash)).toBe(bytes.length);
    expect(await blobs.list()).toEqual([hash]);
  });

  test('stores a stream that arrives in pieces, again and again', async () => {
    for (let i = 0; i < 2; i++) {
      expect(await blobs.receive(hash, stream(bytes.subarray(0, 3), bytes.subarray(3)), { maximumBytes: 7 })).toBe(7);
    }
    expect(await readdir(folder)).toEqual([hash]);
  });

  test('keeps nothing of a stream with other bytes, too many bytes or a broken connection', async () => {
    const broken = (async function* () {
      yield bytes.subarray(0, 2);
      throw new Error('connection lost');
    })();
    await expect(blobs.receive(hash, stream(bytes.subarray(1)), { maximumBytes: 7 })).rejects.toThrow(
      BlobMismatchError,
    );
    await expect(blobs.receive(hash, stream(bytes, bytes), { maximumBytes: 7 })).rejects.toThrow(BlobTooLargeError);
    await expect(blobs.receive(hash, broken, { maximumBytes: 7 })).rejects.toThrow('connection lost');
    expect(await readdir(folder)).toEqual([]);
  });

  test('opens a blob to read parts of it', async () => {
    await blobs.put(bytes);
    await using blob = await blobs.open(hash);
    expect(blob.sizeBytes).toBe(bytes.length);
    expect(await blob.read({ position: 2, bytes: 3 })).toEqual(new Uint8Array(bytes.subarray(2, 5)));
    await expect(blob.read({ position: 5, bytes: 3 })).rejects.toThrow('1 more were expected');
  });

  test('opens a blob without reading it, for whoever checks what it reads', async () => {
    await blobs.put(bytes);
    await writeFile(path.join(folder, hash), 'Weights');
    await using blob = await blobs.openUnchecked(hash);
    expect(Buffer.from(await blob.read({ position: 0, bytes: 7 })).toString()).toBe('Weights');
    await expect(blobs.openUnchecked('0'.repeat(64))).rejects.toThrow(BlobDamagedError);
  });

  test('makes a blob of parts that were written in any order behind its end', async () => {
    await using draft = await blobs.draft();
    await draft.append(bytes.subarray(0, 2));
    await draft.writeAhead(bytes.subarray(5), 5);
    await draft.writeAhead(bytes.subarray(3, 5), 3);
    await draft.append(bytes.subarray(2, 3));
    await expect(draft.writeAhead(bytes, 0)).rejects.toThrow('has grown past');
    expect(await draft.publish()).toBe(hash);
    expect(new Uint8Array(await blobs.read(hash))).toEqual(bytes);
    expect(await readdir(folder)).toEqual([hash]);
  });

  test('keeps nothing of a blob that was not published', async () => {
    {
      await using draft = await blobs.draft();
      await draft.append(bytes);
      expect(await readdir(folder)).toHaveLength(1);
    }
    expect(await readdir(folder)).toEqual([]);
  });

  test('notices bytes that changed on the disk, and blobs that are gone', async () => {
    await blobs.put(bytes);
    await writeFile(path.join(folder, hash), 'Weights');
    await expect(blobs.read(hash)).rejects.toThrow(BlobDamagedError);
    await expect(blobs.open(hash)).rejects.toThrow('its bytes have changed');
    await blobs.remove(hash);
    await expect(blobs.read(hash)).rejects.toThrow(BlobDamagedError);
    await expect(blobs.open(hash)).rejects.toThrow('it is not there');
    expect(await blobs.size(hash)).toBeNull();
  });

  test('takes nothing but a hash for a name', () => {
    for (const name of ['../identity.json', '', hash.toUpperCase(), `${hash}0`]) {
      expect(() => blobs.pathOf(name)).toThrow(TypeError);
    }
  });

  test('sweeps away half-written files and what is not to be kept', async () => {
    const other = await blobs.put(Uint8Array.of(1));
    await blobs.put(bytes);
    await writeFile(path.join(folder, 'left-behind.part'), 'x');
    await blobs.sweep(new Set([other]));
    expect(await readdir(folder)).toEqual([other]);
  });
});

describe('openUploadFolder()', () => {
  test('keeps each site’s uploads apart, and only so many that nobody needs', async () => {
    const uploads = openUploadFolder(folder);
    const basel = await uploads.of('basel');
    const needed = await basel.put(Uint8Array.of(0));
    for (let i = 1; i <= 3; i++) {
      await uploads.makeRoom('basel', { needed: new Set([needed]), limit: 2 });
      await basel.put(Uint8Array.of(i));
    }
    const kept = await basel.list();
    expect(kept).toHaveLength(3);
    expect(kept).toContain(needed);
    expect(await (await uploads.of('geneva')).size(needed)).toBeNull();
    await uploads.removeParts();
    expect(await basel.list()).toHaveLength(3);
    await uploads.sweep(new Set([needed]));
    expect(await basel.list()).toEqual([needed]);
  });
});
