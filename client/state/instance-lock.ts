/** One running client per site folder. */
import { join } from 'node:path';
import { AlreadyRunningError, lockInstance } from '@wardround/shared/files/instance-lock.ts';

/**
 * Takes the folder until the returned function is called.
 *
 * @throws {AlreadyRunningError} when another client is running on it.
 */
export function lockSiteFolder(folder: string): () => void {
  return lockInstance(join(folder, 'lock.sqlite'), { program: 'client' });
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
