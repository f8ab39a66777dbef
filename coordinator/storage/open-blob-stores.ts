/** Opens the coordinator's blobs, wherever they are: the same from every thread and every replica. */
import { access, mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { type BlobFolder, openBlobFolder } from './blob-folder.ts';
import type { BlobPlace } from './blob-place.ts';
import type { BlobStore } from './blob-store.ts';
import { openFolderObjects } from './objects/folder-objects.ts';
import { openObjectBlobs } from './objects/object-blobs.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { openObjectUploads } from './objects/object-uploads.ts';
import { blobFolders } from './state-folder.ts';
import { openUploadFolder, type UploadFolder } from './upload-folder.ts';
import type { UploadStore } from './upload-store.ts';

export interface BlobStores {
  /** Plans and weights: what sites may download. */
  readonly published: BlobStore;
  /** Memories of server optimisers. */
  readonly optimiserStates: BlobStore;
  /** Signed messages of sessions. */
  readonly sessions: BlobStore;
  readonly uploads: UploadStore;
  /** The same where uploads are files of a folder. */
  readonly uploadFolder: UploadFolder | null;
  /** Pieces of uploads that replicas share. */
  readonly pieces: ObjectStore;
  /** Resolves when the store answers. */
  check(): Promise<void>;
  /** Removes what this machine holds of an object store and has held since before. What is needed is fetched again. */
  pruneCache(beforeMillis: number): Promise<void>;
  close(): void;
}

/** Folders must be there: `createBlobFolders` makes them. */
export async function openBlobStores(place: BlobPlace): Promise<BlobStores> {
  if (place.kind === 'folder') {
    const folders = blobFolders(place.root);
    const uploadFolder = openUploadFolder(folders.uploads);
    return {
      published: openBlobFolder(folders.published),
      optimiserStates: openBlobFolder(folders.optimiserStates),
      sessions: openBlobFolder(folders.sessions),
      uploads: uploadFolder,
      uploadFolder,
      pieces: openFolderObjects(path.join(place.root, 'pieces')),
      check: () => access(folders.published),
      pruneCache: async () => undefined,
      close: () => undefined,
    };
  }
  // Loaded where it is used: it takes 14 MB of each thread.
  const { openS3Objects } = await import('./objects/s3-objects.ts');
  const objects = openS3Objects(place.place);
  const cacheOf = (name: string) => async (): Promise<BlobFolder> => {
    const folder = path.join(place.cache, ...name.split('/'));
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return openBlobFolder(folder);
  };
  const under = (name: string): BlobStore => openObjectBlobs(objects, { prefix: `${name}/`, cache: cacheOf(name) });
  return {
    published: under('published'),
    optimiserStates: under('optimiser-states'),
    sessions: under('sessions'),
    uploads: openObjectUploads(objects, { of: (site) => under(`uploads/${site}`) }),
    uploadFolder: null,
    pieces: {
      put: (name, content) => objects.put(`pieces/${name}`, content),
      get: (name, range) => objects.get(`pieces/${name}`, range),
      async look(name) {
        const found = await objects.look(`pieces/${name}`);
        return found && { ...found, name };
      },
      async *list(beginning) {
        for await (const found of objects.list(`pieces/${beginning}`)) {
          yield { ...found, name: found.name.slice('pieces/'.length) };
        }
      },
      remove: (name) => objects.remove(`pieces/${name}`),
    },
    async check() {
      for await (const _ of objects.list('published/')) return;
    },
    pruneCache: (beforeMillis) => prune(place.cache, beforeMillis),
    close: objects.close,
  };
}

/** Makes the folders that are missing, for this user only. */
export async function createBlobFolders(place: BlobPlace): Promise<void> {
  const folders = place.kind === 'folder' ? Object.values(blobFolders(place.root)) : [place.cache];
  for (const folder of folders) await mkdir(folder, { recursive: true, mode: 0o700 });
}

async function prune(folder: string, beforeMillis: number): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    const found = entry.isFile() ? await stat(file).catch(() => null) : null;
    if (found !== null && found.mtimeMs < beforeMillis) await rm(file, { force: true });
  }
}
