/**
 * One coordinator per state folder. The lock is SQLite's own lock on a small file, which the operating system drops when
 * the process ends in whatever way, so that no stale lock ever has to be removed by hand.
 */
import { DatabaseSync } from 'node:sqlite';

/** Another coordinator is running on the same state folder. */
export class AlreadyRunningError extends Error {
  override readonly name = 'AlreadyRunningError';
}

const SQLITE_BUSY = 5;

/**
 * Takes the lock until the returned function is called.
 *
 * @throws {AlreadyRunningError} when another process, or this one, holds it.
 */
export function lockInstance(lockFile: string): () => void {
  const database = new DatabaseSync(lockFile, { timeout: 0 });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
    throw new AlreadyRunningError(
      'Cannot start: another coordinator is running on this state folder. Stop it first, or give this one its own folder with --state.',
    );
  }
  return () => database.close();
}
