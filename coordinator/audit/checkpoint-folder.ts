/** The checkpoints of the audit log, one signed note a file, named after their sizes. */
import { mkdir, open, readdir, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { syncFolder } from '@wardround/shared/files/sync-folder.ts';

export interface CheckpointFolder {
  /** Ascending. */
  sizes(): Promise<number[]>;
  /** In the order of their sizes. */
  notes(): Promise<string[]>;
  get(size: number): Promise<string | null>;
  /** Resolves when the note is on the disk, in place of an earlier one of this size. */
  put(size: number, note: string): Promise<void>;
}

/** @param auditFolder made when it is missing. */
export async function openCheckpointFolder(auditFolder: string): Promise<CheckpointFolder> {
  const folder = path.join(auditFolder, 'checkpoints');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return checkpointFolder(auditFolder);
}

/** The same to look and not to touch: nothing is made. */
export function checkpointFolder(auditFolder: string): CheckpointFolder {
  const folder = path.join(auditFolder, 'checkpoints');
  const fileOf = (size: number): string => path.join(folder, `${size}.note`);
  const sizes = async (): Promise<number[]> =>
    (await readdir(folder))
      .flatMap((name) => /^([1-9][0-9]{0,14})\.note$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  return {
    sizes,
    notes: async () => Promise.all((await sizes()).map((size) => readFile(fileOf(size), 'utf8'))),
    async get(size) {
      try {
        return await readFile(fileOf(size), 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    },
    async put(size, note) {
      const draft = `${fileOf(size)}.part`;
      const handle = await open(draft, 'w', 0o600);
      try {
        await handle.writeFile(note);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(draft, fileOf(size));
      await syncFolder(folder);
    },
  };
}
