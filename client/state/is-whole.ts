/** Whether a file that nobody waited for on the way to the disk is what was written: after a power cut it may be torn. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';

const READ_BYTES = 1 << 20;

/** False also where there is no such file. */
export async function isWhole(path: string, sha256: Sha256Hex): Promise<boolean> {
  const hash = createHash('sha256');
  try {
    for await (const piece of createReadStream(path, { highWaterMark: READ_BYTES })) hash.update(piece as Buffer);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  return hash.digest('hex') === sha256;
}
