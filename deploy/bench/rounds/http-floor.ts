/** The floor of a round: the same bytes from so many processes to one and back, over plain HTTP, without a sync to the disk. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { median } from '../median.ts';
import type { RunOptions } from './run-case.ts';
import { startProcess } from './start-process.ts';

/** @returns seconds a round: the median. */
export async function httpFloor(
  what: { readonly bytes: number; readonly sites: number; readonly rounds: number },
  { scratch, signal }: RunOptions,
): Promise<number> {
  const folder = await mkdtemp(join(scratch, 'wardround-floor-'));
  await using cleaning = new AsyncDisposableStack();
  cleaning.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const start = async (name: string, server: string | null) => {
    const file = join(folder, name);
    await using made = await open(file, 'w');
    await made.truncate(what.bytes);
    const child = await startProcess('floor-process', { server, file }, { folder, signal });
    cleaning.defer(() => child.kill());
    return child;
  };
  const server = await (await start('server', null)).ask<string>();
  const clients = await Promise.all(Array.from({ length: what.sites }, (_, site) => start(`site-${site}`, server)));
  const seconds: number[] = [];
  for (let round = 0; round <= what.rounds; round += 1) {
    const startMillis = performance.now();
    await Promise.all(clients.map((client) => client.ask('exchange')));
    seconds.push((performance.now() - startMillis) / 1000);
  }
  // The first one started the processes.
  return median(seconds.slice(1));
}
