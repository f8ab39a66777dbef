/**
 * The folder for what a run needs while it runs: synthetic hospitals, keys, state and caches of every process. It is named
 * after the process that made it, so that a later run can take away what one that was killed has left.
 */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';

const pattern = /^\.work-(\d+)-/;

/** Makes one inside `directory` and removes those of runs that are gone. */
export async function makeWorkFolder(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  for (const entry of await readdir(directory)) {
    const pid = Number(pattern.exec(entry)?.[1] ?? Number.NaN);
    if (Number.isInteger(pid) && !isRunning(pid))
      await rm(path.join(directory, entry), { recursive: true, force: true });
  }
  return mkdtemp(path.join(directory, `.work-${process.pid}-`));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process exists all the same.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
