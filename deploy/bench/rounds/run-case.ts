/** Runs rounds between a real coordinator and real sites, each a process, and says what they took. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '@wardround/client/state/atomic-file.ts';
import { writeMembership } from '@wardround/client/state/membership.ts';
import { openSiteFolder } from '@wardround/client/state/site-folder.ts';
import { openAdminClient } from '@wardround/coordinator/cli/admin-client.ts';
import type { LaunchAnswer } from '@wardround/coordinator/edge/admin-messages.ts';
import { createJournal } from '@wardround/coordinator/storage/journal.ts';
import { openDatabase } from '@wardround/coordinator/storage/open-database.ts';
import { stateFolder } from '@wardround/coordinator/storage/state-folder.ts';
import { encodeIdentity, generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import type { LineProcess } from '../line-process.ts';
import { median } from '../median.ts';
import { benchPlan, type RoundsCase } from './bench-plan.ts';
import type { ProcessUsage } from './processes/process-usage.ts';
import { type RoundPhases, roundPhases } from './round-phases.ts';
import { type ProgramSettings, startProcess } from './start-process.ts';

export interface RoundsResult extends RoundsCase {
  /** The median of the measured rounds. */
  readonly secondsPerRound: number;
  readonly phases: readonly RoundPhases[];
  readonly coordinatorPeakBytes: number;
  /** The site that needed the most. */
  readonly sitePeakBytes: number;
  /** Of all cores, a round. */
  readonly coordinatorCpuSeconds: number;
  /** Of all sites together. */
  readonly sitesCpuSeconds: number;
}

export interface RunOptions {
  /** Where all of it lies while it runs. */
  readonly scratch: string;
  readonly signal: AbortSignal;
  /** Where each process leaves a profile of its main thread. */
  readonly profile?: string | null;
}

export async function runCase(
  what: RoundsCase,
  { scratch, signal, profile = null }: RunOptions,
): Promise<RoundsResult> {
  const folder = await mkdtemp(join(scratch, 'wardround-rounds-'));
  await using cleaning = new AsyncDisposableStack();
  cleaning.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const start: Start = async (program, settings) => {
    const child = await startProcess(program, settings, { folder, signal, profile });
    cleaning.defer(() => child.kill());
    return child;
  };
  const members = Array.from({ length: what.sites }, (_, position) => ({
    site: `site-${String(position).padStart(2, '0')}`,
    position,
    identity: generateIdentity(),
  }));
  const coordinatorFolder = join(folder, 'coordinator');
  const coordinator = await start('coordinator-process', {
    stateFolder: coordinatorFolder,
    sites: members.map(({ site, identity }) => ({ site, ...publicKeys(identity) })),
  });
  const address = await coordinator.ask<Parameters<typeof writeMembership>[1]['coordinator']>();
  const sites: LineProcess[] = [];
  for (const { site, position, identity } of members) {
    const own = await openSiteFolder(join(folder, site));
    await writeFileAtomically(join(own, 'identity.json'), encodeIdentity(identity));
    await writeMembership(own, { site, coordinator: address, dataDirectory: own });
    sites.push(await start('site-process', { folder: own, logFile: join(folder, `${site}.log`), position }));
  }
  const usage = async () => ({
    coordinator: await coordinator.ask<ProcessUsage>('usage'),
    sites: await Promise.all(sites.map((site) => site.ask<ProcessUsage>('usage'))),
  });
  const untilCommitted = async (round: number) => {
    const outcome = await coordinator.ask<string>(`round ${round}`);
    if (outcome !== 'round-committed') throw new Error(`Cannot measure: round ${round} came to ${outcome}`);
  };

  const admin = await openAdminClient(coordinatorFolder);
  const { study } = await admin.post<LaunchAnswer>('/v1/admin/studies', benchPlan(what));
  await untilCommitted(1);
  const before = await usage();
  await untilCommitted(what.rounds + 1);
  const after = await usage();
  // Profiles are written at an orderly end only.
  if (profile !== null) await Promise.allSettled([...sites, coordinator].map((child) => child.ask('stop')));
  for (const child of [...sites, coordinator]) child.kill();
  const events = await eventsOf(study, coordinatorFolder);
  const phases = roundPhases(events).filter(({ round }) => round > 1 && round <= what.rounds + 1);
  if (phases.some(({ participants }) => participants !== what.sites)) {
    throw new Error('Cannot measure: not every site took part in every round');
  }
  const cpu = (of: typeof after.sites) => of.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  return {
    ...what,
    secondsPerRound: median(phases.map(({ total }) => total)),
    phases,
    coordinatorPeakBytes: after.coordinator.peakBytes,
    sitePeakBytes: Math.max(...after.sites.map(({ peakBytes }) => peakBytes)),
    coordinatorCpuSeconds: (after.coordinator.cpuSeconds - before.coordinator.cpuSeconds) / what.rounds,
    sitesCpuSeconds: (cpu(after.sites) - cpu(before.sites)) / what.rounds,
  };
}

type Start = <Program extends keyof ProgramSettings>(
  program: Program,
  settings: ProgramSettings[Program],
) => Promise<LineProcess>;

async function eventsOf(study: string, folder: string) {
  const database = await openDatabase({ kind: 'sqlite', file: stateFolder(folder).database });
  try {
    return await createJournal(database).read(study);
  } finally {
    await database.close();
  }
}
