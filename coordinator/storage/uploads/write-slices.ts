/** Writes what a connection brings to its place in a file: the connection's own buffers, many at a time, copied nowhere. */
import type { FileHandle } from 'node:fs/promises';

export interface Slices extends AsyncIterable<Uint8Array> {
  /** Ends the connection that brings them. */
  readonly cancel: () => void;
  /** Told of each slice when it is written: its memory may be used for others. */
  readonly release?: (slice: Uint8Array) => void;
}

/** The connection brought fewer or more bytes than it announced. */
export class PieceLengthError extends Error {
  override readonly name = 'PieceLengthError';
}

/** As much as a write should have, so that there are few of them, and as little as memory should hold. */
const batchBytes = 512 * 1024;

export async function writeSlices(
  file: Pick<FileHandle, 'writev'>,
  { slices, position, bytes }: { readonly slices: Slices; readonly position: number; readonly bytes: number },
): Promise<void> {
  let batch: Uint8Array[] = [];
  let batched = 0;
  let written = 0;
  const flush = async (): Promise<void> => {
    const whole = batch;
    let left: readonly Uint8Array[] = whole;
    batch = [];
    batched = 0;
    while (left.length > 0) {
      const { bytesWritten } = await file.writev(left, position + written);
      written += bytesWritten;
      left = behind(left, bytesWritten);
    }
    if (slices.release !== undefined) whole.forEach(slices.release);
  };
  for await (const slice of slices) {
    if (written + batched + slice.byteLength > bytes) throw wrongLength(bytes);
    batch.push(slice);
    batched += slice.byteLength;
    if (batched >= batchBytes) await flush();
  }
  await flush();
  if (written !== bytes) throw wrongLength(bytes);
}

/** What a write that was cut short has left over. */
function behind(slices: readonly Uint8Array[], bytes: number): Uint8Array[] {
  const left: Uint8Array[] = [];
  let skip = bytes;
  for (const slice of slices) {
    if (skip < slice.byteLength) left.push(slice.subarray(skip));
    skip = Math.max(0, skip - slice.byteLength);
  }
  return left;
}

function wrongLength(bytes: number): PieceLengthError {
  return new PieceLengthError(`The piece has not the ${bytes} bytes that were announced. Send it again.`);
}
