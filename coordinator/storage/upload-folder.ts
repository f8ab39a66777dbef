/**
 * Sealed updates that sites have uploaded and that have not been added yet, one folder a site: whose an upload is stands
 * in its path, so a site can offer only its own.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { type BlobFolder, openBlobFolder } from './blob-folder.ts';
import { makeRoomIn, type UploadStore } from './upload-store.ts';

export interface UploadFolder extends UploadStore {
  readonly folder: string;
  /** The site's own blobs; the folder is made when it is missing. */
  of(site: string): Promise<BlobFolder>;
}

/** @param folder holds one folder a site; site names are slugs, so they are safe in a path. */
export function openUploadFolder(folder: string): UploadFolder {
  const of = async (site: string): Promise<BlobFolder> => {
    const own = path.join(folder, site);
    await mkdir(own, { recursive: true, mode: 0o700 });
    return openBlobFolder(own);
  };

  return {
    folder,
    of,
    makeRoom: async (site, options) => makeRoomIn(await of(site), options),
    async sweep(needed) {
      for (const site of await readdir(folder)) {
        const blobs = await of(site);
        for (const hash of await blobs.list()) if (!needed.has(hash)) await blobs.remove(hash);
      }
    },
    async removeParts() {
      for (const site of await readdir(folder)) {
        const own = (await of(site)).folder;
        for (const name of await readdir(own)) {
          if (name.endsWith('.part')) await rm(path.join(own, name), { force: true });
        }
      }
    },
  };
}
