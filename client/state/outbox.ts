/** Sealed bytes on their way to the coordinator, each under its hash. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

export function outboxFolder(folder: string): string {
  return join(folder, 'outbox');
}

export function outboxFile(folder: string, hash: string): string {
  return join(outboxFolder(folder), hash);
}

/** Removes what is not in `keep`, and what a write left that was interrupted. */
export async function pruneOutbox(folder: string, keep: ReadonlySet<string>): Promise<void> {
  const names = await readdir(outboxFolder(folder)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  for (const name of names) if (!keep.has(name)) await rm(outboxFile(folder, name), { force: true });
}
