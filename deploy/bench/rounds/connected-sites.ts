/** Many sites connected to one real coordinator: how long that takes, how soon all hear of a new study, what memory it needs. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PinnedCoordinator } from '@wardround/client/link/pinned-coordinator.ts';
import { openAdminClient } from '@wardround/coordinator/cli/admin-client.ts';
import { encodeIdentity, generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { benchPlan } from './bench-plan.ts';
import type { HintedSites } from './processes/many-sites-process.ts';
import type { ProcessUsage } from './processes/process-usage.ts';
import type { RunOptions } from './run-case.ts';
import { type ProgramSettings, startProcess } from './start-process.ts';

export interface ConnectedResult {
  readonly sites: number;
  /** From the first handshake to the last socket. */
  readonly connectSeconds: number;
  /** From the launch to a site's hint, at the 50th and the 99th hundredth of the sites. */
  readonly hintSeconds: { readonly p50: number; readonly p99: number };
  /** From the launch until a site has the answer to its question for work. */
  readonly workSeconds: { readonly p50: number; readonly p99: number };
  readonly coordinatorPeakBytes: number;
  /** Of the peak, what was there before the first site came. */
  readonly coordinatorIdleBytes: number;
}

const PROCESSES = 4;

export async function connectSites(sites: number, { scratch, signal }: RunOptions): Promise<ConnectedResult> {
  const folder = await mkdtemp(join(scratch, 'wardround-sites-'));
  await using cleaning = new AsyncDisposableStack();
  cleaning.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const start = async <Program extends keyof ProgramSettings>(program: Program, settings: ProgramSettings[Program]) => {
    const child = await startProcess(program, settings, { folder, signal });
    cleaning.defer(() => child.kill());
    return child;
  };
  const members = Array.from({ length: sites }, (_, index) => ({
    site: `site-${String(index).padStart(4, '0')}`,
    identity: generateIdentity(),
  }));
  const coordinator = await start('coordinator-process', {
    stateFolder: join(folder, 'coordinator'),
    sites: members.map(({ site, identity }) => ({ site, ...publicKeys(identity) })),
  });
  const address = await coordinator.ask<PinnedCoordinator>();
  const { peakBytes: coordinatorIdleBytes } = await coordinator.ask<ProcessUsage>('usage');
  const share = Math.ceil(sites / PROCESSES);
  const clients = await Promise.all(
    Array.from({ length: Math.ceil(sites / share) }, (_, index) =>
      start('many-sites-process', {
        coordinator: address,
        sites: members
          .slice(index * share, (index + 1) * share)
          .map(({ site, identity }) => ({ site, identity: encodeIdentity(identity) })),
      }),
    ),
  );
  await Promise.all(clients.map((client) => client.ask()));
  const startMillis = performance.now();
  await Promise.all(clients.map((client) => client.ask('connect')));
  const connectSeconds = (performance.now() - startMillis) / 1000;
  const hearing = clients.map((client) => client.ask<HintedSites>('hints'));
  const admin = await openAdminClient(join(folder, 'coordinator'));
  const launchedMillis = performance.timeOrigin + performance.now();
  await admin.post(
    '/v1/admin/studies',
    benchPlan({ parameters: 1000, sites: Math.min(sites, 100), mode: 'sealed', codeBits: 32, rounds: 1 }),
  );
  const heard = await Promise.all(hearing);
  const { peakBytes } = await coordinator.ask<ProcessUsage>('usage');
  const seconds = (times: readonly number[]) => times.map((millis) => (millis - launchedMillis) / 1000);
  return {
    sites,
    connectSeconds,
    hintSeconds: hundredths(seconds(heard.flatMap(({ hinted }) => hinted))),
    workSeconds: hundredths(seconds(heard.flatMap(({ answered }) => answered))),
    coordinatorPeakBytes: peakBytes,
    coordinatorIdleBytes,
  };
}

function hundredths(values: readonly number[]): { readonly p50: number; readonly p99: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!;
  return { p50: at(0.5), p99: at(0.99) };
}
