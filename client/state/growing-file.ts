/** A file that is written piece by piece and gets its name only when it is whole and on the disk; else nothing is left of it. */
import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '@wardround/shared/files/sync-folder.ts';

export interface GrowingFile extends AsyncDisposable {
  /**
   * Appends the pieces. The write goes on while the caller makes what follows: when the promise resolves only the writes
   * before this one have ended, and the pieces must stay as they are until the next call has resolved.
   */
  write(...pieces: readonly Uint8Array[]): Promise<void>;
  /**
   * Resolves when all of it is on the disk under that name in its folder.
   *
   * @param options `isRepeatable`: whoever reads it checks its bytes and can have them again, so nobody waits for the disk:
   *   after a power cut the file may be torn.
   */
  keepAs(name: string, options?: { readonly isRepeatable?: boolean }): Promise<string>;
}

/** Only its owner can read it. Where it is disposed of without a name, it is removed. */
export async function createGrowingFile(folder: string): Promise<GrowingFile> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = join(folder, `.${randomUUID()}.tmp`);
  const handle = await open(temporary, 'wx', 0o600);
  let isKept = false;
  let writing: Promise<unknown> = Promise.resolve();
  return {
    async write(...pieces) {
      await writing;
      writing = writeAll(pieces);
      // It is looked at with the next call; until then a failure is nobody's surprise.
      writing.catch(() => undefined);
    },
    async keepAs(name, { isRepeatable = false } = {}) {
      await writing;
      if (!isRepeatable) await handle.sync();
      await handle.close();
      const path = join(folder, name);
      await rename(temporary, path);
      isKept = true;
      if (!isRepeatable) await syncFolder(folder);
      return path;
    },
    async [Symbol.asyncDispose]() {
      if (isKept) return;
      await writing.catch(() => undefined);
      await handle.close().catch(() => undefined);
      await rm(temporary, { force: true });
    },
  };

  async function writeAll(pieces: readonly Uint8Array[]): Promise<void> {
    const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
    const { bytesWritten } = await handle.writev(pieces);
    if (bytesWritten === bytes) return;
    // A disk that is nearly full takes a part; the rest says why.
    await handle.writeFile(Buffer.concat(pieces).subarray(bytesWritten));
  }
}
