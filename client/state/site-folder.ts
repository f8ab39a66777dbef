/** The site's own folder: identity, pinned coordinator, approvals, and what a study leaves at the site. Its owner alone can enter. */
import { chmod, mkdir, stat } from 'node:fs/promises';
import { resolve } from 'node:path';

/** Where the site keeps its folder unless told otherwise. */
export const DEFAULT_SITE_FOLDER = 'wardround-site';

/**
 * Makes sure that the folder exists and that nobody but its owner can enter; returns its absolute path.
 *
 * @throws {TypeError} when the path is taken by something that is not a folder.
 */
export async function openSiteFolder(path: string): Promise<string> {
  const folder = resolve(path);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST' || code === 'ENOTDIR') {
      throw new TypeError("Cannot use the site's folder: a file is in its place. Choose another folder with --state.");
    }
    throw new TypeError(`Cannot create the site's folder (${code}). Choose another folder with --state.`);
  }
  if (process.platform !== 'win32' && ((await stat(folder)).mode & 0o077) !== 0) await chmod(folder, 0o700);
  return folder;
}
