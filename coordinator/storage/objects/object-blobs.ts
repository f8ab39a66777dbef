/**
 * Blobs in an object store. What is written is written into a folder of this machine first, where it is hashed, and sent
 * when it is whole; what is read in parts by several threads is fetched there once, and hashed as it comes. The folder is a
 * cache: what is in it is also in the store, and may be removed whenever nobody reads it.
 */
import { type Sha256Hex, sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { BlobFolder } from '../blob-folder.ts';
import { BlobDamagedError, type BlobDraft, type BlobEntry, BlobMismatchError, type BlobStore } from '../blob-store.ts';
import { type ObjectStore, readObject } from './object-store.ts';

const hashPattern = /^[0-9a-f]{64}$/;

/** @param prefix ends in a slash. */
export function openObjectBlobs(
  objects: ObjectStore,
  { prefix, cache }: { readonly prefix: string; readonly cache: () => Promise<BlobFolder> },
): BlobStore {
  const fetching = new Map<Sha256Hex, Promise<void>>();
  const nameOf = (hash: Sha256Hex): string => {
    if (!hashPattern.test(hash)) throw new TypeError('Cannot name a blob: 64 lower-case hexadecimal digits are needed');
    return prefix + hash;
  };

  const send = async (hash: Sha256Hex): Promise<void> => {
    await objects.put(nameOf(hash), { file: (await cache()).pathOf(hash) });
  };

  const fetch = async (hash: Sha256Hex): Promise<void> => {
    const stream = await objects.get(nameOf(hash));
    if (stream === null) throw missing(hash);
    try {
      await (await cache()).receive(hash, stream, { maximumBytes: Number.MAX_SAFE_INTEGER });
    } catch (error) {
      throw error instanceof BlobMismatchError ? changed(hash) : error;
    }
  };

  /** The cache, with this blob in it. */
  const withLocal = async (hash: Sha256Hex): Promise<BlobFolder> => {
    const folder = await cache();
    if ((await folder.size(hash)) !== null) return folder;
    const under = fetching.get(hash) ?? fetch(hash).finally(() => fetching.delete(hash));
    fetching.set(hash, under);
    await under;
    return folder;
  };

  const entries = async (): Promise<BlobEntry[]> => {
    const found: BlobEntry[] = [];
    for await (const { name, modifiedMillis } of objects.list(prefix)) {
      const hash = name.slice(prefix.length);
      if (hashPattern.test(hash)) found.push({ hash, modifiedMillis });
    }
    return found;
  };

  const remove = async (hash: Sha256Hex): Promise<void> => {
    await objects.remove(nameOf(hash));
    await (await cache()).remove(hash);
  };

  return {
    size: async (hash) => (await objects.look(nameOf(hash)))?.bytes ?? null,
    async put(bytes) {
      const hash = sha256Hex(bytes);
      await objects.put(nameOf(hash), bytes);
      return hash;
    },
    async receive(hash, pieces, options) {
      nameOf(hash);
      const size = await (await cache()).receive(hash, pieces, options);
      await send(hash);
      return size;
    },
    async read(hash) {
      const bytes = await readObject(objects, nameOf(hash));
      if (bytes === null) throw missing(hash);
      if (sha256Hex(bytes) !== hash) throw changed(hash);
      return bytes;
    },
    open: async (hash) => (await withLocal(hash)).open(hash),
    openUnchecked: async (hash) => (await withLocal(hash)).openUnchecked(hash),
    async draft(): Promise<BlobDraft> {
      const local = await (await cache()).draft();
      return {
        append: local.append,
        writeAhead: local.writeAhead,
        async publish(options) {
          const hash = await local.publish(options);
          await send(hash);
          return hash;
        },
        [Symbol.asyncDispose]: () => local[Symbol.asyncDispose](),
      };
    },
    async stream(hash, range) {
      const stream = await objects.get(nameOf(hash), range);
      if (stream === null) throw missing(hash);
      return stream;
    },
    remove,
    list: async () => (await entries()).map(({ hash }) => hash),
    entries,
    async sweep(keep) {
      for (const { hash } of await entries()) if (!keep.has(hash)) await remove(hash);
      await (await cache()).sweep(keep);
    },
  };
}

function missing(hash: Sha256Hex): BlobDamagedError {
  return new BlobDamagedError(`Cannot read blob ${hash.slice(0, 12)}: it is not in the object store`);
}

function changed(hash: Sha256Hex): BlobDamagedError {
  return new BlobDamagedError(`Cannot read blob ${hash.slice(0, 12)}: its bytes have changed in the object store`);
}
