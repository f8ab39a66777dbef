/** Blobs and uploads over objects: in a folder, and over HTTP in an S3 server that checks signatures. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type S3Server, startS3Server } from '../../testing/s3-server.ts';
import { openBlobFolder } from '../blob-folder.ts';
import { blobPlace } from '../blob-place.ts';
import { BlobDamagedError, BlobMismatchError, type BlobStore, BlobTooLargeError } from '../blob-store.ts';
import { createBlobFolders, openBlobStores } from '../open-blob-stores.ts';
import { openFolderObjects } from './folder-objects.ts';
import { openObjectBlobs } from './object-blobs.ts';
import { type ObjectStore, readObject } from './object-store.ts';
import { openS3Objects } from './s3-objects.ts';

interface Opened {
  readonly objects: ObjectStore;
  damage(name: string): Promise<void>;
  close(): Promise<void>;
}

const kinds: Readonly<Record<string, (folder: string) => Promise<Opened>>> = {
  async 'a folder'(folder) {
    const root = path.join(folder, 'objects');
    return {
      objects: openFolderObjects(root),
      damage: (name) => writeFile(path.join(root, name), 'damaged'),
      close: async () => undefined,
    };
  },
  async S3() {
    const server = await startS3Server();
    const leave = enter(server);
    const objects = openS3Objects({ bucket: 'hospital', prefix: 'studies/' });
    return {
      objects,
      damage: async (name) =>
        void server.objects.set(`hospital/studies/${name}`, { bytes: Buffer.from('damaged'), modified: new Date() }),
      async close() {
        objects.close();
        leave();
        await server.close();
        expect(server.refused()).toBe(0);
      },
    };
  },
};

/** The standard variables, until the test is over. */
function enter(server: S3Server, changes: Readonly<Record<string, string>> = {}): () => void {
  const before = { ...process.env };
  Object.assign(process.env, server.env, changes);
  return () => {
    for (const name of Object.keys(server.env)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  };
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'objects-'));
});
afterEach(() => rm(folder, { recursive: true }));

const random = createRandom(17);
const bytes = Uint8Array.from({ length: 3_000_001 }, () => random.int(256));
const hash = sha256Hex(bytes);

describe.each(Object.entries(kinds))('objects in %s', (_, openKind) => {
  let opened: Opened;
  let blobs: BlobStore;
  const cacheFolder = () => path.join(folder, 'cache');
  beforeEach(async () => {
    opened = await openKind(folder);
    await createBlobFolders({ kind: 's3', place: { bucket: 'any', prefix: '' }, cache: cacheFolder() });
    blobs = openObjectBlobs(opened.objects, { prefix: 'published/', cache: async () => openBlobFolder(cacheFolder()) });
  });
  afterEach(() => opened.close());

  test('are read by ranges, listed by their beginnings and gone when removed', async () => {
    const { objects } = opened;
    for (const name of ['a/2', 'a/1', 'ab/3', 'b/4']) await objects.put(name, Buffer.from(`at ${name}`));
    expect((await readObject(objects, 'a/1'))?.toString()).toBe('at a/1');
    const names: string[] = [];
    for await (const { name, bytes: size } of objects.list('a/')) names.push(`${name} ${size}`);
    expect(names).toEqual(['a/1 6', 'a/2 6']);
    const part = await objects.get('b/4', { start: 3, end: 4 });
    expect(Buffer.concat(await part!.toArray()).toString()).toBe('b/');
    await objects.remove('a/1');
    await objects.remove('a/1');
    expect(await objects.look('a/1')).toBeNull();
    expect(await objects.get('a/1')).toBeNull();
    expect((await objects.look('a/2'))?.bytes).toBe(6);
  });

  test('hold blobs that are published whole, read in parts and fetched again where the cache has none', async () => {
    await using draft = await blobs.draft();
    await draft.append(bytes.subarray(0, 1000));
    await draft.writeAhead(bytes.subarray(2000), 2000);
    await draft.writeAhead(bytes.subarray(1000, 2000), 1000);
    expect(await draft.publish({ expected: hash })).toBe(hash);
    expect(await blobs.size(hash)).toBe(bytes.length);
    await rm(cacheFolder(), { recursive: true });
    await createBlobFolders({ kind: 's3', place: { bucket: 'any', prefix: '' }, cache: cacheFolder() });
    await using open = await blobs.openUnchecked(hash);
    expect(open.sizeBytes).toBe(bytes.length);
    expect(Buffer.from(await open.read({ position: 2_999_990, bytes: 11 }))).toEqual(
      Buffer.from(bytes.subarray(2_999_990)),
    );
    const stream = await blobs.stream(hash, { start: 5, end: 9 });
    expect(Buffer.concat(await stream.toArray())).toEqual(Buffer.from(bytes.subarray(5, 10)));
    expect(await blobs.list()).toEqual([hash]);
    await blobs.sweep(new Set());
    expect(await blobs.size(hash)).toBeNull();
    expect(await readdir(cacheFolder())).toEqual([]);
  });

  test('take no blob that is not the announced one, and give none that has changed', async () => {
    async function* pieces() {
      yield bytes.subarray(0, 10);
      yield bytes.subarray(10, 20);
    }
    const twenty = sha256Hex(bytes.subarray(0, 20));
    await expect(blobs.receive(hash, pieces(), { maximumBytes: 20 })).rejects.toThrow(BlobMismatchError);
    await expect(blobs.receive(twenty, pieces(), { maximumBytes: 19 })).rejects.toThrow(BlobTooLargeError);
    expect(await blobs.list()).toEqual([]);
    expect(await blobs.receive(twenty, pieces(), { maximumBytes: 20 })).toBe(20);
    await opened.damage(`published/${twenty}`);
    await rm(path.join(cacheFolder(), twenty));
    await expect(blobs.read(twenty)).rejects.toThrow(BlobDamagedError);
    await expect(blobs.openUnchecked(twenty)).rejects.toThrow(BlobDamagedError);
    await expect(blobs.open(hash)).rejects.toThrow('it is not in the object store');
  });
});

describe('openS3Objects()', () => {
  let server: S3Server;
  let leave: () => void;
  beforeEach(async () => {
    server = await startS3Server();
  });
  afterEach(async () => {
    leave();
    await server.close();
  });

  test('sends what is large in parts, lists more than a page and asks again when the store is busy', async () => {
    leave = enter(server);
    const objects = openS3Objects({ bucket: 'hospital', prefix: '' });
    const large = Buffer.alloc(40 << 20, 7);
    server.failNext(2);
    const file = path.join(folder, 'large');
    await writeFile(file, large);
    await objects.put('large', { file });
    expect(server.objects.get('hospital/large')?.bytes.equals(large)).toBe(true);
    for (let i = 0; i < 1203; i++) {
      server.objects.set(`hospital/many/${String(i).padStart(5, '0')}`, {
        bytes: Buffer.alloc(1),
        modified: new Date(),
      });
    }
    let count = 0;
    for await (const { name } of objects.list('many/')) expect(name).toBe(`many/${String(count++).padStart(5, '0')}`);
    expect(count).toBe(1203);
    expect(server.refused()).toBe(0);
    objects.close();
  });

  test('is refused with another key', async () => {
    leave = enter(server, { AWS_SECRET_ACCESS_KEY: 'another' });
    const stores = await openBlobStores(blobPlace('s3://hospital/studies', folder));
    await expect(stores.published.put(bytes.subarray(0, 5))).rejects.toThrow();
    expect(server.refused()).toBeGreaterThan(0);
    expect(server.objects.size).toBe(0);
    stores.close();
  });
});

describe('blobPlace()', () => {
  test('understands folders and buckets, and nothing else', () => {
    expect(blobPlace(null, '/state')).toEqual({ kind: 'folder', root: '/state' });
    expect(blobPlace('/shared', '/state')).toEqual({ kind: 'folder', root: '/shared' });
    const place = { bucket: 'hospital', prefix: 'a/b/' };
    expect(blobPlace('s3://hospital/a/b', '/state')).toEqual({ kind: 's3', place, cache: '/state/cache' });
    expect(blobPlace('s3://hospital', '/state')).toMatchObject({ place: { bucket: 'hospital', prefix: '' } });
    for (const text of ['', 'gs://hospital', 's3://', 's3://Hospital/x', 'https://hospital/x']) {
      expect(() => blobPlace(text, '/state')).toThrow(SyntaxError);
    }
  });
});
