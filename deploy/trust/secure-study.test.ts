/** Whole studies with secure aggregation: a real coordinator, the real client but for training, drop-outs and restarts. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import {
  startTestCoordinator,
  type TestCoordinator,
  testPlan,
} from '@wardround/coordinator/testing/test-coordinator.ts';
import type { StudyState } from '@wardround/protocols/round/state.ts';
import { checkStudyPlan } from '@wardround/protocols/study/parse-plan.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createSessionSite, type SessionSite, type SiteHooks } from './testing/session-site.ts';

const three = ['basel', 'geneva', 'zurich'];
const four = ['basel', 'geneva', 'lugano', 'zurich'];
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function plan(mode: 'sealed' | 'secure-aggregation', { sessionSeconds = 60, stages = 1 } = {}): StudyPlan {
  const base = testPlan();
  return checkStudyPlan({
    ...base,
    stages: base.stages.slice(0, stages),
    participation: { ...base.participation, sessionDeadlineSeconds: sessionSeconds },
    protection: { ...base.protection, mode },
  });
}

interface Running {
  readonly coordinator: TestCoordinator;
  readonly sites: readonly SessionSite[];
  readonly study: string;
  readonly stops: ReadonlyMap<string, AbortController>;
  state(): Promise<StudyState>;
}

async function start(
  names: readonly string[],
  ofPlan: StudyPlan,
  hooks: (running: () => Running) => SiteHooks = () => ({}),
) {
  const coordinator = await startTestCoordinator();
  cleanUps.push(() => coordinator.close());
  const joined = await coordinator.join(...names);
  const own = hooks(() => running);
  const sites: SessionSite[] = [];
  for (const site of joined) sites.push(await createSessionSite(site, own));
  const study = await coordinator.launch(ofPlan);
  const stops = new Map(names.map((site) => [site, new AbortController()]));
  const running: Running = {
    coordinator,
    sites,
    study,
    stops,
    state: async () => (await coordinator.study(study)).state,
  };
  const runs = sites.map((site) => site.run(stops.get(site.site)!.signal));
  cleanUps.push(async () => {
    for (const stop of stops.values()) stop.abort();
    await Promise.all(runs);
    for (const site of sites) await site.remove();
  });
  return running;
}

async function finished(running: Running): Promise<StudyState> {
  await vi.waitFor(async () => expect((await running.state()).endedAtMillis).not.toBeNull(), {
    timeout: 50_000,
    interval: 50,
  });
  return running.state();
}

const modelsOf = ({ stages }: StudyState) => stages.flatMap(({ initialModel, model }) => [initialModel, model]);
const logOf = ({ sites }: Running) =>
  sites
    .flatMap(({ site, log }) => log.filter((line) => !line.includes('summary')).map((line) => `${site}: ${line}`))
    .join('\n');

describe('a study with secure aggregation', () => {
  test('gives the models of the sealed study bit for bit, and leaves nothing secret behind', {
    timeout: 120_000,
  }, async () => {
    const sealed = await finished(await start(three, plan('sealed', { stages: 2 })));
    const running = await start(three, plan('secure-aggregation', { stages: 2 }));
    const state = await finished(running);
    expect(state.phase, logOf(running)).toEqual({ kind: 'finished' });
    expect(modelsOf(state)).toEqual(modelsOf(sealed));
    for (const { rounds } of state.stages) {
      expect(rounds[0]?.outcome).toMatchObject({ kind: 'committed', participants: three });
      expect(rounds[0]?.session).toMatchObject({ attempt: 1, aborts: [], conflicts: [] });
    }
    // Of the newest round all messages stay, for members to replay; of the one before none does.
    const sessions = path.join(running.coordinator.folder, 'sessions');
    await vi.waitFor(async () => expect(await readdir(sessions)).toHaveLength(5 * three.length));
    for (const { folder } of running.sites) {
      const kept = await readdir(path.join(folder, 'sessions'));
      expect(kept.filter((name) => name.endsWith('.vector'))).toEqual([]);
    }
  });

  test('goes on without a site that stops after it has masked its update, whose update is in the sum', {
    timeout: 120_000,
  }, async () => {
    const running = await start(four, plan('secure-aggregation', { sessionSeconds: 4 }), (current) => ({
      before(work, site) {
        if (site === 'lugano' && work.kind === 'secure-session' && work.step === 'consistency') {
          current().stops.get('lugano')!.abort();
          throw new Error('stopped');
        }
      },
    }));
    await vi.waitFor(
      async () => expect((await running.state()).stages[0]?.rounds[0]?.outcome, logOf(running)).toBeTruthy(),
      { timeout: 60_000, interval: 50 },
    );
    expect((await running.state()).stages[0]?.rounds[0]?.outcome).toMatchObject({
      kind: 'committed',
      participants: four,
    });
  });

  test('gives the same models when the coordinator restarts in each step, a message is lost and an answer is lost', {
    timeout: 120_000,
  }, async () => {
    const sealed = await finished(await start(three, plan('sealed')));
    const restarted = new Set<string>();
    const lost = new Set<string>();
    const running = await start(three, plan('secure-aggregation'), (current) => ({
      async before(work, site) {
        if (site !== 'basel' || work.kind !== 'secure-session' || restarted.has(work.step)) return;
        restarted.add(work.step);
        await current().coordinator.restart();
      },
      wrapLink: (link, site) => ({
        ...link,
        async sendSessionMessage(reference, offer, signal) {
          const place = `${site} ${reference.stage} ${reference.step}`;
          const isFirst = !lost.has(place);
          lost.add(place);
          // The site has made its state durable and stops before it sends; another one never hears the answer.
          if (isFirst && site === 'geneva') throw new Error('stopped before sending');
          await link.sendSessionMessage(reference, offer, signal);
          if (isFirst && site === 'zurich') throw new Error('stopped after sending');
        },
      }),
    }));
    const state = await finished(running);
    expect(state.phase, logOf(running)).toEqual({ kind: 'finished' });
    expect([...restarted].sort()).toEqual(['consistency', 'masked-input', 'share-keys', 'unmask']);
    expect(modelsOf(state)).toEqual(modelsOf(sealed));
    for (const { rounds } of state.stages) expect(rounds[0]?.session).toMatchObject({ attempt: 1, conflicts: [] });
  });

  test('begins again with new keys when a site drops out of three, and the site comes back', {
    timeout: 120_000,
  }, async () => {
    let isAway = false;
    const running = await start(three, plan('secure-aggregation', { sessionSeconds: 3 }), () => ({
      before(work, site) {
        if (site !== 'zurich' || work.kind !== 'secure-session') return;
        if (work.step === 'masked-input' && work.attempt === 1 && work.stage === 'slices') isAway = true;
        if (isAway && work.attempt === 1 && work.stage === 'slices') throw new Error('away');
      },
    }));
    const state = await finished(running);
    expect(isAway).toBe(true);
    expect(state.phase, logOf(running)).toEqual({ kind: 'finished' });
    const round = state.stages[0]?.rounds[0];
    expect(round?.outcome).toMatchObject({ kind: 'committed', participants: three });
    expect(round?.session).toMatchObject({
      attempt: 2,
      aborts: [{ attempt: 1, step: 'masked-input', reason: 'too-few-survivors' }],
    });
  });

  test('is left by every site when the coordinator’s weights are not those that follow from the sum', {
    timeout: 120_000,
  }, async () => {
    const forged = 'f'.repeat(64);
    const running = await start(three, plan('secure-aggregation', { stages: 2 }), () => ({
      wrapLink: (link) => ({
        ...link,
        // What a coordinator would say that had put weights of its own in the place of the round's result.
        async work(signal) {
          const work = await link.work(signal);
          return work.kind === 'train' && work.sliceEncoder !== null ? { ...work, sliceEncoder: forged } : work;
        },
      }),
    }));
    const state = await finished(running);
    expect(state.phase.kind).toBe('failed');
    expect(
      state.stages[1]?.rounds[0]?.leftOut.toSorted((a, b) => (a.site < b.site ? -1 : 1)),
      logOf(running),
    ).toEqual(three.map((site) => ({ site, reason: 'model-chain-broken' })));
  });

  test('is refused at launch with fewer than three sites', async () => {
    const coordinator = await startTestCoordinator();
    cleanUps.push(() => coordinator.close());
    await coordinator.join('basel', 'geneva');
    await expect(coordinator.launch(plan('secure-aggregation'))).rejects.toThrow(/needs 3 sites and 2 are admitted/);
  });
});
