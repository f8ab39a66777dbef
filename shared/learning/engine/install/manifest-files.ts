import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { type InstallManifest, readManifest } from './installed-engine.ts';
import { hashFile } from './verify-file.ts';

/** All files of a folder with their sizes and hashes, in one order. */
export async function listFiles(folder: string): Promise<InstallManifest['files']> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort();
  const files = [];
  for (const name of names) {
    const file = path.join(folder, name);
    files.push({ name, sizeBytes: (await stat(file)).size, sha256: (await hashFile(file, 'sha256')).toString('hex') });
  }
  return files;
}

/** The first file that is not as it was installed, or null. */
export async function changedFile(folder: string): Promise<string | null> {
  for (const { name, sha256 } of readManifest(folder)?.files ?? []) {
    const found = await hashFile(path.join(folder, name), 'sha256').catch(() => null);
    if (found?.toString('hex') !== sha256) return name;
  }
  return null;
}
