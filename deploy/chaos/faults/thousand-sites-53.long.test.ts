/**
 * Fault 53: a thousand sites connect, all answer at once, and all come back at once when their coordinator was killed. Nobody's
 * hint is lost: these sites ask for work only when their socket tells them to, and each gets what is for it. How fast is for
 * the benchmark.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createByteCounter } from '@wardround/client/link/byte-counter.ts';
import { createHintSocket } from '@wardround/client/link/hint-socket.ts';
import { createConnectionPool } from '@wardround/client/link/http-exchange.ts';
import type { PinnedCoordinator } from '@wardround/client/link/pinned-coordinator.ts';
import { createSignedClient, jsonBody } from '@wardround/client/link/signed-client.ts';
import { openAdminClient } from '@wardround/coordinator/cli/admin-client.ts';
import type { LaunchAnswer, StudyAnswer } from '@wardround/coordinator/edge/admin-messages.ts';
import { startCoordinator } from '@wardround/coordinator/start-coordinator.ts';
import { openDatabase } from '@wardround/coordinator/storage/open-database.ts';
import { createSiteTable } from '@wardround/coordinator/storage/site-table.ts';
import { createStateFolder, stateFolder } from '@wardround/coordinator/storage/state-folder.ts';
import { testPlan } from '@wardround/coordinator/testing/test-coordinator.ts';
import { readiness } from '@wardround/coordinator/testing/test-site.ts';
import { Acknowledgement, CoordinatorIdentity, Work } from '@wardround/protocols/session/messages.ts';
import { checkStudyPlan } from '@wardround/protocols/study/parse-plan.ts';
import { planHash } from '@wardround/protocols/study/plan.ts';
import { generateIdentity, type Identity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { oneHotModels } from '../consortium/one-hot.ts';

const SITES = 1000;
const names = Array.from({ length: SITES }, (_, index) => `site-${String(index).padStart(4, '0')}`);
const soon = { timeout: 90_000, interval: 200 };

/** They were admitted long ago. */
async function admitAll(folder: string, identities: ReadonlyMap<string, Identity>): Promise<void> {
  const place = stateFolder(folder);
  await createStateFolder(place);
  const database = await openDatabase({ kind: 'sqlite', file: place.database });
  const table = createSiteTable(database);
  for (const [site, identity] of identities) {
    await table.addInvitation({ secretHash: site, site, expiresAtMillis: 1, usedByKey: null });
    await table.enrol({ site, ...publicKeys(identity), status: 'admitted', enrolledAtMillis: 0 }, site);
  }
  await database.close();
}

interface HintedSite {
  /** The work that it was given, by kind, each once. */
  readonly given: readonly Work['kind'][];
  isConnected(): boolean;
  close(): void;
}

/** A site that asks for nothing unless it was told that there may be something; what fails it repeats. */
function openSite(
  site: string,
  { identity, coordinator }: { identity: Identity; coordinator: PinnedCoordinator },
): HintedSite {
  const stop = new AbortController();
  const { signal } = stop;
  const given: Work['kind'][] = [];
  const agent = createConnectionPool(new URL(coordinator.url));
  const counter = createByteCounter();
  let sequence = 0;
  const client = createSignedClient({
    ...{ coordinator, identity, site, agent, counter },
    recordEgress: async () => undefined,
    sequence: {
      next: () => sequence++,
      goOnFrom(least) {
        sequence = Math.max(sequence, least);
        return false;
      },
    },
  });

  const ask = async (): Promise<void> => {
    const work = await client.ask({ method: 'GET', path: '/v1/work', signal }, Work);
    if (work.kind !== 'prepare' && work.kind !== 'train') return;
    if (!given.includes(work.kind)) given.push(work.kind);
    if (work.kind !== 'prepare') return;
    const body = jsonBody(readiness, { purpose: 'preparation', what: 'data-counts', study: work.study });
    await client.ask({ method: 'POST', path: `/v1/studies/${work.study}/ready`, signal, body }, Acknowledgement);
  };

  /** Hints that come while it asks are one more question. */
  let isAsking = false;
  let isHinted = false;
  const follow = async (): Promise<void> => {
    isHinted = true;
    if (isAsking) return;
    isAsking = true;
    while (isHinted && !signal.aborted) {
      isHinted = false;
      await ask().catch(async () => {
        isHinted = true;
        await delay(200 + Math.random() * 2000, undefined, { signal }).catch(() => undefined);
      });
    }
    isAsking = false;
  };
  const socket = createHintSocket({
    url: coordinator.url,
    ...{ agent, counter },
    sign: client.sign,
    onHint: () => {
      // That it is gone tells it nothing.
      if (socket.connected()) void follow();
    },
  });
  return {
    given,
    isConnected: socket.connected,
    close() {
      stop.abort();
      socket.close();
      agent.destroy();
    },
  };
}

const count = (sites: readonly HintedSite[], isCounted: (site: HintedSite) => boolean) =>
  sites.filter(isCounted).length;

test('fault 53: a thousand sites connect, answer at once and come back at once, and none misses its work', {
  timeout: 400_000,
}, async () => {
  await using cleaning = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'thousand-'));
  cleaning.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const identities = new Map(names.map((site) => [site, generateIdentity()]));
  await admitAll(folder, identities);
  const start = (port: number) =>
    startCoordinator({
      ...{ stateFolder: folder, host: '127.0.0.1', port, publicUrl: null, admitInvited: true, tls: null },
      models: oneHotModels,
      log: pino({ level: 'silent' }),
    });
  let running = await start(0);
  cleaning.defer(() => running.close());
  const port = Number(new URL(running.publicUrl).port);
  const keys = CoordinatorIdentity.parse(await (await fetch(`${running.publicUrl}/v1/identity`)).json());
  const coordinator = { url: running.publicUrl, fingerprint: running.fingerprint, ...keys };

  const sites = [...identities].map(([site, identity]) => openSite(site, { identity, coordinator }));
  cleaning.defer(() => {
    for (const site of sites) site.close();
  });
  await vi.waitFor(() => expect(count(sites, (site) => site.isConnected())).toBe(SITES), soon);

  const base = testPlan();
  const hour = 3600;
  const plan = checkStudyPlan({
    ...base,
    stages: base.stages.slice(0, 1),
    participation: {
      quorum: SITES,
      readyDeadlineSeconds: hour,
      roundDeadlineSeconds: hour,
      evaluationDeadlineSeconds: hour,
    },
    protection: { ...base.protection, mode: 'sealed', maximumSampleCount: 1 },
  });
  // Its answer may be long in coming while a thousand ask for work.
  await (await openAdminClient(folder)).post<LaunchAnswer>('/v1/admin/studies', plan).catch(() => undefined);
  const study = planHash(plan);
  // Some have been told and have answered, some not, when the coordinator goes away.
  await vi.waitFor(
    () => expect(count(sites, ({ given }) => given.includes('prepare'))).toBeGreaterThan(SITES / 10),
    soon,
  );
  await running.close();
  await vi.waitFor(() => expect(count(sites, (site) => site.isConnected())).toBe(0), soon);
  running = await start(port);

  await vi.waitFor(() => expect(count(sites, ({ given }) => given.includes('train'))).toBe(SITES), {
    ...soon,
    timeout: 200_000,
  });
  expect(count(sites, ({ given }) => given.includes('prepare'))).toBe(SITES);
  const { state } = await vi.waitFor(
    async () => (await openAdminClient(folder)).get<StudyAnswer>(`/v1/admin/studies/${study}`),
    soon,
  );
  expect(state.stages[0]?.rounds[0]?.sites).toHaveLength(SITES);
  expect(Object.values(state.sites).every(({ status }) => status === 'ready')).toBe(true);
});
