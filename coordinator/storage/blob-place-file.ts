/** Notes in the state folder where the blobs are, so that the command line finds them there too. */
import { readFile, rm, writeFile } from 'node:fs/promises';

/** @param text as after --blob-store; null for the state folder. */
export async function writeBlobPlace(file: string, text: string | null): Promise<void> {
  if (text === null) await rm(file, { force: true });
  else await writeFile(file, `${text}\n`, { mode: 0o600 });
}

/** As it was written; null for the state folder. */
export async function readBlobPlace(file: string): Promise<string | null> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
