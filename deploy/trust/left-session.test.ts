/** Sites that leave a session: by a drop-out, or because their own people take the approval back in the middle of it. */
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { SiteLink } from '@wardround/client/link/site-link.ts';
import { revokeStudy } from '@wardround/client/policy/approvals.ts';
import { readKeptSession } from '@wardround/client/state/kept-session.ts';
import {
  startTestCoordinator,
  type TestCoordinator,
  testPlan,
} from '@wardround/coordinator/testing/test-coordinator.ts';
import { checkStudyPlan } from '@wardround/protocols/study/parse-plan.ts';
import { afterEach, expect, test, vi } from 'vitest';
import { createSessionSite, type SessionSite, type SiteHooks } from './testing/session-site.ts';

const names = ['basel', 'geneva', 'lugano', 'zurich'];
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

interface Running {
  readonly coordinator: TestCoordinator;
  readonly sites: ReadonlyMap<string, SessionSite>;
  readonly study: string;
}

/** A study of two rounds, one in each of two stages; whoever is silent for eight seconds has left a session. */
async function start(hooks: (running: () => Running) => SiteHooks): Promise<Running> {
  const coordinator = await startTestCoordinator();
  cleanUps.push(() => coordinator.close());
  const own = hooks(() => running);
  const sites = new Map<string, SessionSite>();
  for (const joined of await coordinator.join(...names)) sites.set(joined.site, await createSessionSite(joined, own));
  const base = testPlan();
  const plan = checkStudyPlan({
    ...base,
    stages: base.stages.slice(0, 2),
    participation: { ...base.participation, sessionDeadlineSeconds: 8 },
    protection: { ...base.protection, mode: 'secure-aggregation' },
  });
  const study = await coordinator.launch(plan);
  const running: Running = { coordinator, sites, study };
  const stop = new AbortController();
  const runs = [...sites.values()].map((site) => site.run(stop.signal));
  cleanUps.push(async () => {
    stop.abort();
    await Promise.all(runs);
    for (const site of sites.values()) await site.remove();
  });
  return running;
}

const filesOf = (folder: string, store: string) => readdir(path.join(folder, store)).catch(() => [] as string[]);

/** What the site keeps of a stage's session. */
async function keptOf({ folder }: SessionSite, { study, stage }: { study: string; stage: string }) {
  const kept = await readKeptSession(folder, { study, stage });
  const vectors = (await filesOf(folder, 'sessions')).filter((name) => name === `${study}-${stage}.vector`);
  return { kept, vectors, outbox: await filesOf(folder, 'outbox') };
}

const state = async ({ coordinator, study }: Running) => (await coordinator.study(study)).state;
const waiting = { timeout: 100_000, interval: 50 };

test('a site that dropped out keeps neither vector nor secrets once the study has gone on', {
  timeout: 120_000,
}, async () => {
  const seen: Record<string, unknown> = {};
  const links = new Map<string, SiteLink>();
  const { signal } = new AbortController();
  const running = await start((current) => ({
    async before(work, site) {
      if (site !== 'lugano' || work.kind !== 'secure-session') return;
      const lugano = current().sites.get('lugano')!;
      const place = { study: work.study, stage: 'slices' };
      if (work.stage === 'slices' && work.step === 'consistency') {
        seen['left'] ??= await keptOf(lugano, place);
        throw new Error('away');
      }
      if (work.stage === 'slices') return;
      seen['later'] ??= await keptOf(lugano, place);
      seen['standing'] ??= await links.get('lugano')!.studyStanding(work.study, signal);
    },
    wrapLink(link, site) {
      links.set(site, link);
      return link;
    },
  }));
  await vi.waitFor(async () => expect((await state(running)).endedAtMillis).not.toBeNull(), waiting);
  expect((await state(running)).phase).toEqual({ kind: 'finished' });
  expect(seen['standing']).toEqual({ isOver: false });
  const stage = { study: running.study, stage: 'slices' };
  // It left with all that it had for the next step.
  expect(seen['left']).toMatchObject({
    kept: { hasVector: true, party: { phase: 'masked' } },
    vectors: [expect.anything()],
  });
  expect((seen['left'] as { outbox: string[] }).outbox).toHaveLength(1);
  // Work for the next stage was enough: before its first message there, nothing was left of the round but that it was.
  const gone = {
    kept: { round: 1, hasVector: false, masked: null, party: { phase: 'aborted' } },
    vectors: [],
    outbox: [],
  };
  expect(seen['later']).toMatchObject(gone);
  const lugano = running.sites.get('lugano')!;
  expect(await keptOf(lugano, stage)).toMatchObject({ kept: gone.kept, vectors: [] });
  expect(await links.get('basel')!.studyStanding(running.study, signal)).toEqual({ isOver: true });
});

test('an approval that is revoked ends a session in the middle of a step, and the site’s secrets with it; the policy’s bandwidth holds there', {
  timeout: 120_000,
}, async () => {
  const uploads: [string, number | undefined][] = [];
  const sentAfterwards: string[] = [];
  let isRevoked = false;
  const running = await start((current) => ({
    async before(work, site) {
      if (site !== 'basel' || work.kind !== 'prepare') return;
      const policy = { format: 'wardround-site-policy/1', bandwidthBytesPerSecond: 50_000_000 };
      await writeFile(path.join(current().sites.get('basel')!.folder, 'policy.json'), JSON.stringify(policy));
    },
    wrapLink: (link, site) => ({
      ...link,
      async upload(blob, signal) {
        uploads.push([site, blob.bytesPerSecond]);
        if (site !== 'geneva') return link.upload(blob, signal);
        // The upload takes its time, and meanwhile somebody at the site changes their mind.
        await revokeStudy(current().study, { folder: current().sites.get('geneva')!.folder, nowMillis: Date.now() });
        isRevoked = true;
        await new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        });
      },
      async sendSessionMessage(reference, offer, signal) {
        if (isRevoked && site === 'geneva') sentAfterwards.push(reference.step);
        return link.sendSessionMessage(reference, offer, signal);
      },
    }),
  }));
  const outcome = async () => (await state(running)).stages[0]?.rounds[0]?.outcome;
  await vi.waitFor(async () => expect(await outcome()).toBeTruthy(), waiting);
  expect(await outcome()).toMatchObject({ kind: 'committed', participants: ['basel', 'lugano', 'zurich'] });
  expect((await state(running)).sites['geneva']).toMatchObject({ status: 'declined', reason: 'approval-revoked' });
  expect(sentAfterwards).toEqual([]);
  const geneva = running.sites.get('geneva')!;
  const place = { study: running.study, stage: 'slices' };
  await vi.waitFor(async () => expect((await keptOf(geneva, place)).vectors).toEqual([]), waiting);
  const { kept, outbox } = await keptOf(geneva, place);
  expect(kept).toMatchObject({ round: 1, hasVector: false, masked: null, party: { phase: 'aborted' } });
  expect(outbox).toEqual([]);
  expect(uploads.filter(([site]) => site === 'basel')).toEqual([['basel', 50_000_000]]);
  expect(uploads.filter(([site]) => site === 'zurich')[0]).toEqual(['zurich', undefined]);
});
