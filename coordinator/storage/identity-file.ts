/** The coordinator's keys on its disk: made at the first start, readable by its user alone. */
import { lstat, open, readFile, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { decodeIdentity, encodeIdentity, generateIdentity, type Identity } from '@wardround/shared/crypto/identity.ts';
import { syncFolder } from '@wardround/shared/files/sync-folder.ts';

/**
 * The caller holds the instance lock, so nobody else makes one at the same time.
 *
 * @throws {SyntaxError} when the file is not an identity.
 */
export async function loadOrCreateIdentity(file: string): Promise<Identity> {
  const existing = await readIdentity(file);
  if (existing !== null) return existing;
  const identity = generateIdentity();
  const draft = `${file}.part`;
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.writeFile(encodeIdentity(identity));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
  await syncFolder(path.dirname(file));
  return identity;
}

/**
 * Lets the state folder's identity be that of another file, which is read and never written: all replicas have the same.
 *
 * @throws {RangeError} when there is no such file, or the state folder has keys of its own.
 */
export async function useIdentity(source: string, file: string): Promise<void> {
  const target = path.resolve(source);
  const given = await readIdentity(target);
  if (given === null) throw new RangeError('Cannot start: --identity names no file.');
  const existing = await readIdentity(file);
  if (existing !== null && encodeIdentity(existing) !== encodeIdentity(given)) {
    throw new RangeError('Cannot start: the state folder has other keys than the file that --identity names.');
  }
  if ((await lstat(file).catch(() => null))?.isFile() === true) return;
  await rm(file, { force: true });
  await symlink(target, file);
}

/** Null when there is none yet. */
export async function readIdentity(file: string): Promise<Identity | null> {
  try {
    return decodeIdentity(await readFile(file, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
