/** A site whose folder was put back to an older state: its requests are refused as used, and it goes on above them by itself. */
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openSiteLink } from '@wardround/client/link/site-link.ts';
import { openSequenceNumbers } from '@wardround/client/state/sequence-numbers.ts';
import { startTestCoordinator, type TestCoordinator } from '@wardround/coordinator/testing/test-coordinator.ts';
import { nextSequence, type TestSite } from '@wardround/coordinator/testing/test-site.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';

let coordinator: TestCoordinator;
let joined: TestSite;
let folder: string;
beforeEach(async () => {
  coordinator = await startTestCoordinator();
  [joined] = (await coordinator.join('basel')) as [TestSite];
  folder = await mkdtemp(path.join(tmpdir(), 'restored-'));
  // It has spoken before it had a folder.
  openSequenceNumbers(folder).goOnFrom(nextSequence());
});
afterEach(async () => {
  await coordinator.close();
  await rm(folder, { recursive: true });
});

/** Starts the site on its folder and lets it ask for work. @returns how often it was told that its numbers are behind. */
async function ask(times: number): Promise<number> {
  let behind = 0;
  const { site, identity, coordinator: pinned } = joined;
  const link = openSiteLink({
    coordinator: pinned,
    identity,
    site,
    sequence: openSequenceNumbers(folder),
    onSequenceBehind: () => void behind++,
    blobFolder: path.join(folder, 'blobs'),
    recordEgress: async () => undefined,
    onHint: () => undefined,
  });
  const { signal } = new AbortController();
  try {
    for (let time = 0; time < times; time++) expect((await link.work(signal)).kind).toBe('idle');
  } finally {
    link.close();
  }
  return behind;
}

test('a restored site is told once, and no number counts twice', async () => {
  const [file, backup] = [path.join(folder, 'sequence.sqlite'), path.join(folder, 'backup')];
  await copyFile(file, backup);
  // More than the numbers that it takes from its disk at once.
  expect(await ask(140)).toBe(0);
  await copyFile(backup, file);
  expect(await ask(20)).toBe(1);
  await coordinator.restart();
  expect(await ask(5)).toBe(0);
});

test('two programs on one folder are never told', async () => {
  expect(await Promise.all([ask(40), ask(40)])).toEqual([0, 0]);
});
