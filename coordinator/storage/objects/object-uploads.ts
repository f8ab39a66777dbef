/** Uploads in an object store: `uploads/SITE/HASH`. */
import type { BlobStore } from '../blob-store.ts';
import { makeRoomIn, type UploadStore } from '../upload-store.ts';
import type { ObjectStore } from './object-store.ts';

export function openObjectUploads(
  objects: Pick<ObjectStore, 'list'>,
  { of }: { readonly of: (site: string) => BlobStore },
): UploadStore {
  return {
    of: async (site) => of(site),
    makeRoom: (site, options) => makeRoomIn(of(site), options),
    async sweep(needed) {
      const sites = new Set<string>();
      for await (const { name } of objects.list('uploads/')) sites.add(name.split('/')[1] ?? '');
      for (const site of sites) {
        for (const { hash } of await of(site).entries()) if (!needed.has(hash)) await of(site).remove(hash);
      }
    },
    // An object is there whole or not at all.
    removeParts: async () => undefined,
  };
}
