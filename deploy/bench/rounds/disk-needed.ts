/** How much of the disk a case takes at its fullest, so that it is refused before it fills the disk of others. */
import { statfs } from 'node:fs/promises';
import type { RoundsCase } from './bench-plan.ts';

/** Left to everybody else. */
const SPARE_BYTES = 4 * 2 ** 30;

function diskNeeded({ parameters, sites, codeBits }: RoundsCase): number {
  const model = 4 * parameters;
  const update = (codeBits / 8) * parameters;
  // A site's weights and the next ones, with the sum they follow from or the sealed update.
  const site = 2 * model + update;
  // Weights and sums of two rounds, and every update.
  return sites * (site + update) + 2 * (model + update);
}

/** Null when there is room, else why not. */
export async function roomFault(what: RoundsCase, scratch: string): Promise<string | null> {
  const { bavail, bsize } = await statfs(scratch);
  const needed = diskNeeded(what) + SPARE_BYTES;
  if (bavail * bsize >= needed) return null;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(0)} GB`;
  return `needs ${gigabytes(needed)} of disk, found ${gigabytes(bavail * bsize)} free. Name a folder on a larger disk with --scratch`;
}
