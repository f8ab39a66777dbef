/**
 * A folder on a disk that is full when a test says so. Where the user may mount one, it is a small tmpfs that is filled with a
 * file; elsewhere a child of the same tests runs under a limit of the size of files (`ulimit -f`), whose writes then fail with
 * EFBIG. Which of the two it was is said, so that nothing is skipped silently.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';

export interface FullDisk {
  readonly folder: string;
  /** No byte more fits. */
  fill(): void;
  /** There is space again. */
  makeRoom(): void;
  close(): void;
}

/** Whether this process may mount a tmpfs. */
export function canMount(probe: string): boolean {
  try {
    mkdirSync(probe, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', probe], { stdio: 'ignore' });
    execFileSync('umount', [probe], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** @throws {Error} where nothing may be mounted: ask `canMount()` first, and take `limitedShell()` where it says no. */
export function mountFullDisk(folder: string, { kibibytes }: { readonly kibibytes: number }): FullDisk {
  mkdirSync(folder, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kibibytes}k,mode=700`, 'tmpfs', folder]);
  const ballast = path.join(folder, '.ballast');
  return {
    folder,
    fill() {
      const file = openSync(ballast, 'a');
      try {
        for (let bytes = 65_536; bytes >= 1; bytes = Math.floor(bytes / 2)) writeUntilFull(file, bytes);
      } finally {
        closeSync(file);
      }
    },
    makeRoom: () => rmSync(ballast, { force: true }),
    close: () => void execFileSync('umount', ['-l', folder]),
  };
}

/** The words that start a program whose files may have so many KiB at most; its writes fail, it is not killed. */
export function limitedShell(kibibytes: number, words: readonly string[]): { file: string; arguments: string[] } {
  // Blocks of `ulimit -f` are 1 KiB in bash and 512 bytes in POSIX mode.
  const script = `trap '' XFSZ; ulimit -f ${kibibytes}; exec "$@"`;
  return { file: 'bash', arguments: ['-c', script, 'bash', ...words] };
}

function writeUntilFull(file: number, bytes: number): void {
  const piece = Buffer.alloc(bytes);
  try {
    for (;;) if (writeSync(file, piece) < bytes) return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
