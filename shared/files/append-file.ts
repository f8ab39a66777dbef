/** A file that only grows, each growth on the disk before it counts. */
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from './sync-folder.ts';

export interface AppendFile {
  read(): Promise<string>;
  /** Resolves when the text is on the disk. */
  append(text: string): Promise<void>;
  /** Cuts the file to its first `bytes`. */
  cut(bytes: number): Promise<void>;
  close(): Promise<void>;
}

export async function openAppendFile(path: string): Promise<AppendFile> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const handle = await open(path, 'a+', 0o600);
  await syncFolder(dirname(path));
  return {
    async read() {
      const { size } = await handle.stat();
      const buffer = Buffer.alloc(size);
      let done = 0;
      while (done < size) {
        const { bytesRead } = await handle.read(buffer, done, size - done, done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return buffer.toString('utf8', 0, done);
    },
    async append(text) {
      await handle.appendFile(text);
      await handle.datasync();
    },
    async cut(bytes) {
      await handle.truncate(bytes);
      await handle.datasync();
    },
    close: () => handle.close(),
  };
}
