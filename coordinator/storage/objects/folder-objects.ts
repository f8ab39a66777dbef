/** Objects as files of a folder, which may lie on a volume that several machines share. Slashes in names are folders. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { syncFolder } from '@wardround/shared/files/sync-folder.ts';
import type { ObjectStore, StoredObject } from './object-store.ts';

const partSuffix = '.part';

export function openFolderObjects(folder: string): ObjectStore {
  const pathOf = (name: string): string => path.join(folder, ...requireName(name).split('/'));

  const look = async (name: string): Promise<StoredObject | null> => {
    const found = await stat(pathOf(name)).catch(ifMissing);
    return found?.isFile() === true ? { name, bytes: found.size, modifiedMillis: found.mtimeMs } : null;
  };

  async function* list(beginning: string): AsyncGenerator<StoredObject> {
    const within = beginning.slice(0, beginning.lastIndexOf('/') + 1);
    const root = path.join(folder, ...within.split('/'));
    const names = await readdir(root, { recursive: true }).catch(ifMissing);
    for (const relative of (names ?? []).sort()) {
      const name = within + relative.split(path.sep).join('/');
      if (!name.startsWith(beginning) || name.endsWith(partSuffix)) continue;
      const found = await look(name);
      if (found !== null) yield found;
    }
  }

  return {
    look,
    list,
    async put(name, content) {
      const target = pathOf(name);
      await mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
      const part = `${target}.${randomUUID()}${partSuffix}`;
      try {
        if ('file' in content) await copyFile(content.file, part);
        const file = await open(part, 'file' in content ? 'r+' : 'wx', 0o600);
        try {
          if (!('file' in content)) await file.writeFile(content);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(part, target);
      } catch (error) {
        await rm(part, { force: true });
        throw error;
      }
      await syncFolder(path.dirname(target));
    },
    async get(name, range) {
      const stream = createReadStream(pathOf(name), range ?? {});
      return await once(stream, 'open').then(() => stream, ifMissing);
    },
    async remove(name) {
      await rm(pathOf(name), { force: true });
    },
  };
}

function requireName(name: string): string {
  if (/^(?!.*(?:^|\/)\.{0,2}(?:\/|$))[\w./-]+$/.test(name)) return name;
  throw new TypeError('Cannot name an object: needed letters, digits, dots and dashes between slashes');
}

function ifMissing(error: unknown): null {
  if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null;
  throw error;
}
