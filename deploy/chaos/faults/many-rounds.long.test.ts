/** A hundred and fifty rounds in a row end, and leave nothing behind: no memory, no open files, no files on the disks. */
import { readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { chaosPlan } from '../consortium/chaos-plan.ts';
import { type Consortium, startConsortium } from '../consortium/start-consortium.ts';
import { assertPromises, watchLedgers } from '../oracles/promises.ts';
import { outcomesOf, siteNames, startAll } from './through-fault.ts';

const ROUNDS = 150;
const EARLY = 30;
/** One round in ten can be replayed: its sum, its messages and its vectors are kept. Every round has a checkpoint of the log. */
const FILES_OF_A_REPLAY = 30;
const REPLAYS = (ROUNDS - EARLY) / 10;

interface Held {
  readonly heapBytes: number;
  readonly openFiles: number;
  readonly resources: number;
  readonly files: number;
}

async function held({ folder }: Consortium): Promise<Held> {
  for (let turn = 0; turn < 3; turn += 1) {
    globalThis.gc?.();
    await delay(50);
  }
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return {
    heapBytes: process.memoryUsage().heapUsed,
    openFiles: (await readdir('/proc/self/fd')).length,
    resources: process.getActiveResourcesInfo().length,
    files: entries.filter((entry) => entry.isFile()).length,
  };
}

async function untilRound(consortium: Consortium, { study, round }: { study: string; round: number }): Promise<void> {
  for (let begun = 0; begun < round; await delay(500)) {
    begun = (await consortium.state(study))?.stages[0]?.rounds.length ?? begun;
  }
}

test('150 rounds of secure aggregation end one after the other, and hold no more after the last than after the thirtieth', {
  timeout: 600_000,
}, async () => {
  const consortium = await startConsortium({ sites: 3 });
  try {
    const assertLedgerMonotone = watchLedgers(consortium);
    const plan = chaosPlan({ name: 'many', rounds: ROUNDS, quorum: 3 });
    const study = await consortium.launch(plan);
    startAll(consortium);
    const began = performance.now();
    await untilRound(consortium, { study, round: EARLY + 1 });
    const early = await held(consortium);
    await assertLedgerMonotone();
    await untilRound(consortium, { study, round: ROUNDS });
    const late = await held(consortium);
    const state = await consortium.untilOver(study);
    const seconds = (performance.now() - began) / 1000;
    console.info(`${ROUNDS} rounds in ${seconds.toFixed(1)} s`, { early, late });
    expect(state.phase).toEqual({ kind: 'finished' });
    expect(outcomesOf(state)).toEqual(Array.from({ length: ROUNDS }, () => siteNames(3)));
    await assertLedgerMonotone();
    await assertPromises(consortium, state);
    // The study's own history, of a few kB a round, and what the test writes down are all that grows.
    expect(late.heapBytes - early.heapBytes).toBeLessThan(32 * 2 ** 20);
    expect(late.openFiles - early.openFiles).toBeLessThanOrEqual(8);
    expect(late.resources - early.resources).toBeLessThanOrEqual(8);
    expect(late.files - early.files).toBeLessThanOrEqual(ROUNDS - EARLY + REPLAYS * FILES_OF_A_REPLAY);
  } finally {
    await consortium.close();
  }
});
