/**
 * Sealed updates that sites have uploaded and that have not been added yet, one folder a site: whose an upload is stands
 * in its path, so a site can offer only its own.
 */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { type BlobFolder, openBlobFolder } from './blob-folder.ts';

export interface UploadFolder {
  readonly folder: string;
  /** The site's own blobs; the folder is made when it is missing. */
  of(site: string): Promise<BlobFolder>;
  /** Removes the site's oldest uploads that nobody needs until it has fewer than `limit` of them. */
  makeRoom(site: string, options: { readonly needed: ReadonlySet<Sha256Hex>; readonly limit: number }): Promise<void>;
  /** Removes every whole upload that is not needed, of every site. */
  sweep(needed: ReadonlySet<Sha256Hex>): Promise<void>;
  /** Removes what interrupted writes left behind. Uploads under way stay: staged-uploads.ts removes them in time. */
  removeParts(): Promise<void>;
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
    async makeRoom(site, { needed, limit }) {
      const blobs = await of(site);
      const spare: { hash: Sha256Hex; modifiedMillis: number }[] = [];
      for (const hash of await blobs.list()) {
        if (!needed.has(hash)) spare.push({ hash, modifiedMillis: (await stat(blobs.pathOf(hash))).mtimeMs });
      }
      spare.sort((a, b) => a.modifiedMillis - b.modifiedMillis);
      for (const { hash } of spare.slice(0, Math.max(0, spare.length - limit + 1))) await blobs.remove(hash);
    },
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
