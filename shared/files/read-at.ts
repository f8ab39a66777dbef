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
  const buffer = new Uint8Array(bytes);
  let done = 0;
  while (done < bytes) {
    const { bytesRead } = await file.read(buffer, done, bytes - done, position + done);
    if (bytesRead === 0) {
      throw new RangeError(
        `Cannot read on: the file ends at byte ${position + done}, where ${bytes - done} more were expected`,
      );
    }
    done += bytesRead;
  }
  return buffer;
}
