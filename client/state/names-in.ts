import { readdir } from 'node:fs/promises';

/** The names in a folder of the site's; none where it was never made. Any other trouble is not taken for an empty folder. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
