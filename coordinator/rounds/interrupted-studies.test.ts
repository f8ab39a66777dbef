/** Studies that are paused, aborted, skip rounds or share their sites, with tiny models and a clock that stands still. */
import { currentRound } from '@wardround/protocols/round/state.ts';
import { checkStudyPlan } from '@wardround/protocols/study/parse-plan.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { readiness } from '../testing/test-site.ts';
import { createTinyCoordinator, type TinyCoordinator } from '../testing/tiny-coordinator.ts';
import type { StudyRunner } from './study-runner.ts';

const sites = ['basel', 'geneva', 'zurich'];
const change = { delta: [0.05, 0, 0, 0, 0.01, 0], sampleCounts: [100, 50] };
const day = 86_400_000;

const opened: TinyCoordinator[] = [];
afterEach(async () => {
  for (const coordinator of opened.splice(0)) await coordinator.close();
});

async function create(edit?: Parameters<typeof createTinyCoordinator>[1]): Promise<TinyCoordinator> {
  const coordinator = await createTinyCoordinator(sites, edit);
  opened.push(coordinator);
  return coordinator;
}

function plan({ rounds = 2, name = 'pilot' } = {}): StudyPlan {
  const small = smallPlan();
  return checkStudyPlan({ ...small, name, stages: small.stages.slice(0, 1).map((stage) => ({ ...stage, rounds })) });
}

const until = (runner: StudyRunner, kind: string) => vi.waitFor(() => expect(runner.state().phase.kind).toBe(kind));

async function training(coordinator: TinyCoordinator, options?: Parameters<typeof plan>[0]): Promise<StudyRunner> {
  const runner = await coordinator.begin(plan(options), sites);
  await until(runner, 'training');
  return runner;
}

describe('a paused study', () => {
  test('gives no work and rings no alarm, also over a restart, takes updates, and goes on with the time it had', async () => {
    const coordinator = await create();
    const { clock } = coordinator;
    let runner = await training(coordinator);
    clock.moveTo(clock.now() + 100_000);
    coordinator.hints.length = 0;
    await runner.submit({ kind: 'pause' });
    expect([...coordinator.hints].sort()).toEqual(sites);
    expect(clock.nextAlarm()).toBeNull();
    expect(coordinator.studies().workFor('basel')).toBeNull();
    expect(coordinator.studies().pausedFor('basel')).toEqual([runner.state().study]);
    clock.moveTo(clock.now() + day);
    await coordinator.restart();
    runner = coordinator.studies().all()[0]!;
    expect(clock.nextAlarm()).toBeNull();
    for (const site of sites) await coordinator.send(runner, site, change);
    expect(runner.state().phase.kind).toBe('training');
    await runner.submit({ kind: 'resume' });
    await vi.waitFor(() => expect(currentRound(runner.state())?.round).toBe(2));
    expect(coordinator.studies().pausedFor('basel')).toEqual([]);
    await runner.submit({ kind: 'pause' });
    clock.moveTo(clock.now() + day);
    await runner.submit({ kind: 'resume' });
    expect(clock.nextAlarm()).toBe(clock.now() + 600_000);
    for (const site of sites) await coordinator.send(runner, site, change);
    await until(runner, 'evaluating');
  });
});

describe('an aborted study', () => {
  test('keeps no uploads, no results, no alarm and no work, even when its sum is being made', async () => {
    const hold = Promise.withResolvers<void>();
    const made: string[] = [];
    const coordinator = await create(({ work, stores }) => ({
      stores,
      work: {
        ...work,
        async aggregate(request) {
          const result = await work.aggregate(request);
          if (result.kind === 'aggregated') made.push(result.model);
          await hold.promise;
          return result;
        },
      },
    }));
    const { stores } = coordinator;
    const runner = await training(coordinator);
    for (const site of sites) await coordinator.send(runner, site, change);
    const uploads = currentRound(runner.state())!.accepted;
    await vi.waitFor(() => expect(made).toHaveLength(1));
    expect(await stores.published.size(made[0]!)).not.toBeNull();
    await runner.submit({ kind: 'abort' });
    hold.resolve();
    await vi.waitFor(async () => expect(await stores.published.size(made[0]!)).toBeNull());
    for (const { site, blob } of uploads) expect(await (await stores.uploads.of(site)).size(blob)).toBeNull();
    expect(runner.state().phase).toEqual({ kind: 'aborted' });
    expect(coordinator.clock.nextAlarm()).toBeNull();
    for (const site of sites) expect(coordinator.studies().workFor(site)).toBeNull();
    // What it had when it ended can still be exported.
    expect(await stores.published.size(runner.state().stages[0]!.model)).not.toBeNull();
  });

  test('does not try again what failed', async () => {
    let attempts = 0;
    const coordinator = await create(({ work, stores }) => ({
      stores,
      work: {
        ...work,
        async aggregate() {
          attempts += 1;
          throw new Error('not now');
        },
      },
    }));
    const runner = await training(coordinator);
    for (const site of sites) await coordinator.send(runner, site, change);
    await vi.waitFor(() => expect(coordinator.clock.nextAlarm()).not.toBeNull());
    await runner.submit({ kind: 'abort' });
    const before = attempts;
    coordinator.clock.moveTo(coordinator.clock.now() + 1000);
    await vi.waitFor(() => expect(coordinator.clock.nextAlarm()).toBeNull());
    expect(attempts).toBeLessThanOrEqual(before + 1);
  });
});

describe('a round whose sum cannot be made', () => {
  test('is skipped when every attempt has failed; the study finishes with the others', async () => {
    const coordinator = await create(({ work, stores }) => ({
      stores,
      work: {
        ...work,
        async aggregate(request) {
          if (request.round === 2) throw new Error('never');
          return work.aggregate(request);
        },
      },
    }));
    const runner = await training(coordinator, { rounds: 3 });
    for (let round = 1; round <= 3; round++) {
      await vi.waitFor(() => expect(currentRound(runner.state())?.round).toBe(round));
      for (const site of sites) await coordinator.send(runner, site, change);
      while (round === 2 && currentRound(runner.state())?.round === 2) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        const alarm = coordinator.clock.nextAlarm();
        if (alarm !== null && runner.state().phase.kind === 'aggregating') coordinator.clock.moveTo(alarm);
      }
    }
    await until(runner, 'evaluating');
    const rounds = runner.state().stages[0]!.rounds;
    expect(rounds.map(({ outcome }) => outcome?.kind)).toEqual(['committed', 'skipped', 'committed']);
    expect(rounds[1]?.outcome).toMatchObject({ reason: 'aggregation-failed' });
    expect(rounds[2]?.startModel).toBe(rounds[1]?.startModel);
  });
});

describe('two studies at once', () => {
  test('both go on: sites work for each in turn, and neither waits for the other to end', async () => {
    const coordinator = await create();
    const runners: StudyRunner[] = [];
    for (const name of ['one', 'two']) {
      const runner = await coordinator.studies().launch(plan({ name, rounds: 4 }));
      runners.push(runner);
      coordinator.clock.moveTo(coordinator.clock.now() + 1000);
    }
    const served: string[] = [];
    for (let turn = 0; turn < 200 && runners.some((runner) => runner.state().phase.kind !== 'evaluating'); turn++) {
      for (const site of sites) {
        const work = coordinator.studies().workFor(site);
        if (work === null || !('study' in work)) continue;
        const runner = coordinator.studies().find(work.study)!;
        if (work.kind === 'prepare') await runner.submit({ kind: 'ready', site, ready: readiness });
        if (work.kind !== 'train') continue;
        if (site === 'basel') served.push(work.name);
        await coordinator.send(runner, site, change);
      }
      coordinator.clock.moveTo(coordinator.clock.now() + 1000);
      const own = ['aggregating', 'starting-stage'];
      await vi.waitFor(() => {
        for (const runner of runners) expect(own).not.toContain(runner.state().phase.kind);
      });
    }
    expect(runners.map((runner) => runner.state().phase.kind)).toEqual(['evaluating', 'evaluating']);
    expect(served).toHaveLength(8);
    // Never twice for the one while the other waits.
    for (let i = 0; i < 8; i += 2) expect(served.slice(i, i + 2).sort()).toEqual(['one', 'two']);
  });
});
