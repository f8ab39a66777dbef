/**
 * Fault 49: the disk of the coordinator, of its audit log or of a site is full for a while. Nothing is acknowledged that is
 * not on it, everybody waits and goes on by themselves, and no torn file is served: the weights are those of the fault-free
 * run. Where nothing may be mounted, and once in any case, files may not grow instead (`ulimit -f`).
 */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { chaosPlan } from '../consortium/chaos-plan.ts';
import type { Consortium } from '../consortium/start-consortium.ts';
import { canMount, limitedShell } from '../disk/full-disk.ts';
import { modelsOf } from '../oracles/promises.ts';
import { faultFreeModels } from './fault-free-models.ts';
import { outcomesOf, siteNames, startAll, throughFault, untilState } from './through-fault.ts';

const plan = chaosPlan({ name: 'full-disks', rounds: 2, quorum: 3 });
let unharmed: readonly string[];
let isMountable: boolean;
beforeAll(async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'probe-'));
  isMountable = canMount(path.join(folder, 'disk'));
  rmSync(folder, { recursive: true });
  unharmed = await faultFreeModels(plan, { sites: 3 });
});

/** Where a small disk is put, and what is said once it is full. */
const disks = [
  {
    name: 'coordinator',
    kibibytes: 16_384,
    log: 'coordinator',
    says: /storage-full|cannot be written|a request failed/,
  },
  { name: 'coordinator/audit', kibibytes: 4096, log: 'coordinator', says: /storage-full|cannot be written/ },
  { name: 'site-00', kibibytes: 8192, log: 'site-00', says: /ENOSPC|[Ff]ull|room|no space|SQLite error/ },
] as const;

const logOf = (consortium: Consortium, name: string): string => {
  const site = consortium.sites.find((candidate) => candidate.site === name);
  return readFileSync(site?.logFile ?? consortium.coordinatorLog, 'utf8');
};

async function untilSaid(consortium: Consortium, { log, says, from }: { log: string; says: RegExp; from: number }) {
  for (const end = performance.now() + 60_000; performance.now() < end; await delay(50)) {
    if (says.test(logOf(consortium, log).slice(from))) return;
  }
  throw new Error(`Nobody said that the disk of ${log} is full:\n${logOf(consortium, log).slice(-2000)}`);
}

const hasMasked = (round: { readonly session?: { readonly steps: object } | undefined } | undefined): boolean =>
  round?.session !== undefined && 'masked-input' in round.session.steps;

describe.concurrent('a disk that is full for a while', () => {
  test.for(disks)(
    'fault 49: that of $name',
    { timeout: 180_000 },
    async ({ name, kibibytes, log, says }, { annotate }) => {
      if (!isMountable) {
        await annotate('nothing may be mounted here: the limit on files below takes its place');
        return;
      }
      let acknowledgedFull = 0;
      const state = await throughFault(
        { sites: 3, disks: { [name]: kibibytes } },
        {
          plan,
          async make(consortium, study) {
            startAll(consortium);
            await untilState(consortium, study, hasMasked);
            const from = logOf(consortium, log).length;
            consortium.disk(name).fill();
            await untilSaid(consortium, { log, says, from });
            const before = consortium.evidence.acknowledged.length;
            await delay(1000);
            acknowledgedFull = consortium.evidence.acknowledged.length - before;
            consortium.disk(name).makeRoom();
          },
        },
      );
      expect(state.phase).toEqual({ kind: 'finished' });
      const [first] = state.stages[0]!.rounds;
      const isDeclined =
        first?.leftOut.some(({ site, reason }) => site === name && reason === 'site-disk-full') === true;
      // A site whose disk has no room for the round says so, and is there for the next one.
      if (isDeclined) expect(outcomesOf(state).at(-1)).toEqual(siteNames(3));
      else expect(modelsOf(state)).toEqual(unharmed);
      // The coordinator has no place for what it would acknowledge.
      if (name === 'coordinator') expect(acknowledgedFull).toBe(0);
    },
  );

  test('fault 49: that of a coordinator and of a site whose files may not grow', { timeout: 180_000 }, async () => {
    const state = await throughFault(
      { sites: 3, coordinator: { where: 'process' } },
      {
        plan,
        async make(consortium, study) {
          const [first, ...others] = consortium.sites;
          for (const site of others) site.start({ where: 'here' });
          first!.start({ where: 'process' });
          await untilState(consortium, study, hasMasked);
          await Promise.all([consortium.coordinator().kill(), first!.party().kill()]);
          const limit = async (folder: string) => {
            const { file, arguments: words } = limitedShell(await largestFileKibibytes(folder), []);
            return (command: readonly string[]) => [file, ...words, ...command];
          };
          const from = logOf(consortium, 'coordinator').length;
          const through = await limit(consortium.coordinatorFolder);
          first!.start({ where: 'process', through: await limit(first!.folder) });
          // It may not even come up: it does not say that it listens, then.
          const hasStarted = await consortium.startCoordinator({ where: 'process', through }).then(
            () => true,
            () => false,
          );
          if (hasStarted) await untilSaid(consortium, { log: 'coordinator', says: disks[0].says, from });
          await Promise.all([hasStarted && consortium.coordinator().kill(), first!.party().kill()]);
          await consortium.startCoordinator({ where: 'process' });
          first!.start({ where: 'process' });
        },
      },
    );
    expect(state.phase).toEqual({ kind: 'finished' });
    expect(modelsOf(state)).toEqual(unharmed);
  });
});

/** So that nothing that is there is above the limit, and nothing larger can be. */
async function largestFileKibibytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map((entry) => statSync(path.join(entry.parentPath, entry.name)).size);
  return Math.ceil(Math.max(...sizes) / 1024);
}
