/** Sealed bytes on their way to the coordinator, each under its hash. */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { namesIn } from './names-in.ts';

export function outboxFolder(folder: string): string {
  return join(folder, 'outbox');
}

export function outboxFile(folder: string, hash: string): string {
  return join(outboxFolder(folder), hash);
}

/** Removes what is not in `keep`, and what a write left that was interrupted. */
export async function pruneOutbox(folder: string, keep: ReadonlySet<string>): Promise<void> {
  for (const name of await namesIn(outboxFolder(folder)))
    if (!keep.has(name)) await rm(outboxFile(folder, name), { force: true });
}
