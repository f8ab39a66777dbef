/**
 * One running program per folder. The lock is SQLite's own lock on a small file, which the operating system drops when the
 * process ends in whatever way, so that no stale lock ever has to be removed by hand.
 */
import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** Another process, or this one, holds the folder. */
export class AlreadyRunningError extends Error {
  override readonly name = 'AlreadyRunningError';
}

const SQLITE_BUSY = 5;

/**
 * Takes the lock until the returned function is called.
 *
 * @param options.program what the error calls the holder, for example `client`
 * @throws {AlreadyRunningError} when it is taken.
 */
export function lockInstance(lockFile: string, { program }: { program: string }): () => void {
  closeSync(openSync(lockFile, 'a', 0o600));
  const database = new DatabaseSync(lockFile, { timeout: 0 });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
    throw new AlreadyRunningError(
      `Cannot start: another ${program} is running on this folder. Stop it first, or give this one its own folder with --state.`,
    );
  }
  return () => database.close();
}
