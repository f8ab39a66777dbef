/**
 * One running client per site folder. The lock is SQLite's own lock on a small file, which the operating system drops
 * when the process ends in whatever way, so that no stale lock ever has to be removed by hand.
 */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Another client is running on the same folder. */
export class AlreadyRunningError extends Error {
  override readonly name = 'AlreadyRunningError';
}

const LOCK_FILE = 'lock.sqlite';
const SQLITE_BUSY = 5;

/**
 * Takes the lock until the returned function is called.
 *
 * @throws {AlreadyRunningError} when another process holds it.
 */
export function lockSiteFolder(folder: string): () => void {
  const file = join(folder, LOCK_FILE);
  closeSync(openSync(file, 'a', 0o600));
  const database = new DatabaseSync(file);
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) {
      throw new AlreadyRunningError(
        'Cannot start: another client is running on this site folder. Stop it first, or give this one its own folder with --state.',
      );
    }
    throw error;
  }
  return () => database.close();
}

/** Whether a client is running on the folder now. */
export function isSiteRunning(folder: string): boolean {
  try {
    lockSiteFolder(folder)();
    return false;
  } catch (error) {
    if (error instanceof AlreadyRunningError) return true;
    throw error;
  }
}
