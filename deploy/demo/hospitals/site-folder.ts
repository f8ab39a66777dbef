/** The folder of one synthetic hospital while it is filled. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

export interface SiteFolder {
  /** @param place path below the folder, with `/` between its parts. */
  write(place: string, bytes: Uint8Array): Promise<void>;
  /** What was written so far. */
  total(): { files: number; bytes: number };
}

/** @throws {Error} when the folder already holds something: what lay there before must not mix with what is written. */
export async function openSiteFolder(directory: string, name: string): Promise<SiteFolder> {
  const folder = path.join(directory, name);
  await mkdir(folder, { recursive: true });
  const present = await readdir(folder);
  if (present.length > 0) {
    throw new Error(
      `Cannot make hospital "${name}": its folder must be empty, found ${present.length} entries; remove them or choose another directory`,
    );
  }
  const made = new Map<string, Promise<unknown>>();
  let files = 0;
  let bytes = 0;
  return {
    async write(place, content) {
      const file = path.join(folder, ...place.split('/'));
      const parent = path.dirname(file);
      if (!made.has(parent)) made.set(parent, mkdir(parent, { recursive: true }));
      await made.get(parent);
      await writeFile(file, content);
      files += 1;
      bytes += content.length;
    },
    total: () => ({ files, bytes }),
  };
}
