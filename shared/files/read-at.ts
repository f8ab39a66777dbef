import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

/**
 * Reads exactly so many bytes of a file.
 *
 * @throws {RangeError} when the file ends before them.
 */
export async function readAt(
  file: Pick<FileHandle, 'read'>,
  { position, bytes }: { readonly position: number; readonly bytes: number },
): Promise<Uint8Array> {
  const target = new Uint8Array(bytes);
  await readInto(file, { position, target });
  return target;
}

/**
 * The same into memory that the caller has.
 *
 * @throws {RangeError} when the file ends before the target is full.
 */
export async function readInto(
  file: Pick<FileHandle, 'read'>,
  { position, target }: { readonly position: number; readonly target: Uint8Array },
): Promise<void> {
  const bytes = target.length;
  let done = 0;
  while (done < bytes) {
    const { bytesRead } = await file.read(target, done, bytes - done, position + done);
    if (bytesRead === 0) throw endsAt(position + done, bytes - done);
    done += bytesRead;
  }
}

/**
 * The same at once, in threads that have nothing else to do: what is in the system's cache is here sooner than a promise.
 *
 * @throws {RangeError} when the file ends before the target is full.
 */
export function readIntoNow(
  { fd }: Pick<FileHandle, 'fd'>,
  { position, target }: { readonly position: number; readonly target: Uint8Array },
): void {
  for (let done = 0; done < target.length; ) {
    const bytesRead = readSync(fd, target, done, target.length - done, position + done);
    if (bytesRead === 0) throw endsAt(position + done, target.length - done);
    done += bytesRead;
  }
}

function endsAt(position: number, missing: number): RangeError {
  return new RangeError(`Cannot read on: the file ends at byte ${position}, where ${missing} more were expected`);
}
