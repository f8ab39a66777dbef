/** Deadlines, restarts and failures, with tiny models and a clock that stands still. */
import { writeFile } from 'node:fs/promises';
import { currentRound } from '@wardround/protocols/round/state.ts';
import { checkStudyPlan } from '@wardround/protocols/study/parse-plan.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { float32FromBytes } from '@wardround/shared/bytes/little-endian.ts';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { readiness } from '../testing/test-site.ts';
import { createTinyCoordinator, type TinyCoordinator } from '../testing/tiny-coordinator.ts';
import type { StudyRunner } from './study-runner.ts';

const sites = ['basel', 'geneva', 'zurich'];
/** Each site moves a coordinate of its own: in the mean, each shows up once or not at all. */
const changes = {
  basel: { delta: [0.05, 0, 0, 0, 0, 0], sampleCounts: [100, 0] },
  geneva: { delta: [0, 0.05, 0, 0, 0.1, 0], sampleCounts: [100, 50] },
  zurich: { delta: [0, 0, 0.05, 0, 0, 0.1], sampleCounts: [200, 150] },
};

const opened: TinyCoordinator[] = [];
afterEach(async () => {
  for (const coordinator of opened.splice(0)) await coordinator.close();
});

async function create(
  ...change: Parameters<typeof createTinyCoordinator> extends [unknown, ...infer Rest] ? Rest : never
) {
  const coordinator = await createTinyCoordinator(sites, ...change);
  opened.push(coordinator);
  return coordinator;
}

function plan(
  options: {
    readonly rounds?: number;
    readonly server?: object;
    readonly gate?: object;
    readonly robust?: object;
  } = {},
): StudyPlan {
  const small = smallPlan();
  const { rounds = 1, server, gate, robust } = options;
  const stages = small.stages.slice(0, 1).map((stage) => ({ ...stage, rounds, ...(server && { server }) }));
  const protection = { ...small.protection, ...(gate && { gate }), ...(robust && { mode: 'plain-robust', robust }) };
  const participation = { ...small.participation, ...(robust && { quorum: 3 }) };
  return checkStudyPlan({ ...small, stages, protection, participation });
}

const phase = (runner: StudyRunner) => runner.state().phase.kind;
const until = (runner: StudyRunner, kind: string) => vi.waitFor(() => expect(phase(runner)).toBe(kind));

async function weights(coordinator: TinyCoordinator, runner: StudyRunner): Promise<number[]> {
  const { model } = runner.state().stages.at(-1)!;
  return [...float32FromBytes(await coordinator.stores.published.read(model))];
}

/** All sites ready and the first round open. */
async function training(coordinator: TinyCoordinator, options?: Parameters<typeof plan>[0]): Promise<StudyRunner> {
  const runner = await coordinator.begin(plan(options), sites);
  await until(runner, 'training');
  return runner;
}

describe('a round', () => {
  test('adds each accepted update once, weighted by the samples of each group', async () => {
    const coordinator = await create();
    const runner = await training(coordinator);
    for (const site of ['zurich', 'basel', 'geneva'] as const) await coordinator.send(runner, site, changes[site]);
    await until(runner, 'evaluating');
    // image: 100 + 100 + 200 samples; clinical: 0 + 50 + 150.
    const expected = [0.0125, 0.0125, 0.025, 0, 0.025, 0.075];
    (await weights(coordinator, runner)).forEach((weight, i) => {
      // Half a step of the fixed-point code: 1 / (2 * S * n / Wmax).
      expect(Math.abs(weight - expected[i]!)).toBeLessThan(1e-8);
    });
  });

  test('gives the others a grace once the quorum has answered, and ends with those that it has', async () => {
    const coordinator = await create();
    const runner = await training(coordinator);
    await coordinator.send(runner, 'basel', changes.basel);
    await coordinator.send(runner, 'geneva', changes.geneva);
    const graceMillis = 150_000;
    expect(coordinator.clock.nextAlarm()).toBe(coordinator.clock.now() + graceMillis);
    coordinator.clock.moveTo(coordinator.clock.now() + graceMillis - 1);
    expect(phase(runner)).toBe('training');
    coordinator.clock.moveTo(coordinator.clock.now() + 1);
    await until(runner, 'evaluating');
    expect(currentRound(runner.state())).toMatchObject({
      leftOut: [{ site: 'zurich', reason: 'late' }],
      outcome: { kind: 'committed', participants: ['basel', 'geneva'] },
    });
    expect((await weights(coordinator, runner))[2]).toBe(0);
    await expect(coordinator.send(runner, 'zurich', changes.zurich)).rejects.toMatchObject({ code: 'late-update' });
    expect(currentRound(runner.state())?.refused).toEqual([{ site: 'zurich', reason: 'late-update' }]);
  });

  test('fails by name at its deadline without a quorum', async () => {
    const coordinator = await create();
    const runner = await training(coordinator);
    await coordinator.send(runner, 'basel', changes.basel);
    coordinator.clock.moveTo(coordinator.clock.now() + 600_000);
    await until(runner, 'failed');
    expect(runner.state().phase).toEqual({ kind: 'failed', reason: 'quorum-not-met' });
    expect(coordinator.clock.nextAlarm()).toBeNull();
  });

  test('goes on without an update that the disk has damaged, and names it', async () => {
    const coordinator = await create(({ work, stores }) => ({
      stores,
      work: {
        ...work,
        // The damage happens after the check and before the sum.
        async aggregate(request) {
          const [first] = request.updates;
          if (request.updates.length === 3 && first) {
            await writeFile((await stores.uploads.of(first.site)).pathOf(first.blob), 'damaged');
          }
          return work.aggregate(request);
        },
      },
    }));
    const runner = await training(coordinator);
    for (const site of ['basel', 'geneva', 'zurich'] as const) await coordinator.send(runner, site, changes[site]);
    await until(runner, 'evaluating');
    expect(currentRound(runner.state())).toMatchObject({
      leftOut: [{ site: 'basel', reason: 'update-damaged' }],
      outcome: { kind: 'committed', participants: ['geneva', 'zurich'] },
    });
    expect((await weights(coordinator, runner))[0]).toBe(0);
  });

  test('tells sites about every change of their work', async () => {
    const coordinator = await create();
    const runner = await training(coordinator, { rounds: 2 });
    coordinator.hints.length = 0;
    await coordinator.send(runner, 'basel', changes.basel);
    expect(coordinator.hints).toEqual(['basel']);
    await coordinator.send(runner, 'geneva', changes.geneva);
    await coordinator.send(runner, 'zurich', changes.zurich);
    await vi.waitFor(() => expect(currentRound(runner.state())?.round).toBe(2));
    expect(coordinator.hints.slice(-3)).toEqual(sites);
  });
});

describe('a study with a robust rule', () => {
  test('leaves out what one site sends against the others, and goes on without an update that the disk has damaged', async () => {
    const robust = { rule: 'median', faulty: 1 };
    for (const damages of [false, true]) {
      const coordinator = await create(({ work, stores }) => ({
        stores,
        work: {
          ...work,
          async aggregate(request) {
            const [first] = request.updates;
            if (damages && request.updates.length === 4 && first) {
              await writeFile((await stores.uploads.of(first.site)).pathOf(first.blob), 'damaged');
            }
            return work.aggregate(request);
          },
        },
      }));
      const four = ['basel', 'bern', 'geneva', 'zurich'];
      await coordinator.stores.sites.addInvitation({
        secretHash: 'b',
        site: 'bern',
        expiresAtMillis: 1,
        usedByKey: null,
      });
      await coordinator.stores.sites.enrol(
        { site: 'bern', signingKey: 'b', sealingKey: 'b', status: 'admitted', enrolledAtMillis: 0 },
        'b',
      );
      const runner = await coordinator.begin(plan({ robust }), four);
      await until(runner, 'training');
      for (const site of four) {
        const value = site === 'zurich' ? -0.1 : 0.01;
        const sampleCounts = [site === 'zurich' ? 1000 : 1, 1];
        await coordinator.send(runner, site, { delta: new Array(6).fill(value), sampleCounts });
      }
      await until(runner, 'evaluating');
      const participants = damages ? four.slice(1) : four;
      expect(currentRound(runner.state())).toMatchObject({ outcome: { kind: 'committed', participants } });
      for (const weight of await weights(coordinator, runner)) expect(Math.abs(weight - 0.01)).toBeLessThan(1e-5);
    }
  });
});

describe('a study with a gate', () => {
  const gate = { normMultiple: 5, maximumRollbacks: 1 };
  const small = { delta: [0.001, 0, 0, 0.001, 0, 0], sampleCounts: [100, 100] };
  const leap = { delta: [0.1, 0.1, 0.1, 0.1, 0.1, 0.1], sampleCounts: [100, 100] };
  const play = async (coordinator: TinyCoordinator, change: typeof small) => {
    const runner = coordinator.studies().all()[0]!;
    const round = currentRound(runner.state())!.round;
    for (const site of sites) await coordinator.send(runner, site, change);
    await vi.waitFor(() => expect(runner.state().stages[0]!.rounds[round - 1]!.outcome).not.toBeNull());
    return runner.state();
  };

  test('goes back to the last good weights and optimiser state, and on from there, also over a restart', async () => {
    const coordinator = await create();
    const server = { kind: 'fedavgm', learningRate: 1, momentum: 0.1 };
    await training(coordinator, { rounds: 6, server, gate });
    for (let round = 1; round <= 3; round++) await play(coordinator, small);
    const good = coordinator.studies().all()[0]!.state().stages[0]!;
    const after = await play(coordinator, leap);
    const { outcome } = after.stages[0]!.rounds[3]!;
    expect(outcome).toMatchObject({ kind: 'rolled-back', reason: 'update-norm-rose', model: good.model });
    expect(after.stages[0]).toMatchObject({ model: good.model, optimiserState: good.optimiserState });
    const { published, optimiserStates } = coordinator.stores;
    // What was rejected is not kept; what the study may yet go back to is.
    const rejected = outcome?.kind === 'rolled-back' ? outcome.rejectedModel : '';
    await vi.waitFor(async () => expect(await published.size(rejected)).toBeNull());
    expect(await published.size(good.fallback!.model)).not.toBeNull();
    expect(await optimiserStates.size(good.fallback!.optimiserState!)).not.toBeNull();
    await coordinator.restart();
    const next = await play(coordinator, small);
    expect(next.stages[0]!.rounds[4]).toMatchObject({ startModel: good.model, outcome: { kind: 'committed' } });
    const over = await play(coordinator, leap);
    expect(over.phase).toEqual({ kind: 'failed', reason: 'too-many-rollbacks' });
  });
});

describe('a restart', () => {
  test('at any point between two inputs changes no bit of the result', async () => {
    const server = { kind: 'fedyogi', learningRate: 0.1 };
    const results: { readonly weights: number[]; readonly model: string }[] = [];
    for (const isRestless of [false, true]) {
      const coordinator = await create();
      const pause = async () => {
        if (isRestless) await coordinator.restart();
      };
      await coordinator.begin(plan({ rounds: 3, server }), []);
      const runner = () => coordinator.studies().all()[0]!;
      for (const site of sites) {
        await pause();
        await runner().submit({ kind: 'ready', site, ready: readiness });
      }
      for (let round = 1; round <= 3; round++) {
        await vi.waitFor(() => expect(currentRound(runner().state())?.round).toBe(round));
        for (const site of ['basel', 'geneva', 'zurich'] as const) {
          await pause();
          await coordinator.send(runner(), site, changes[site]);
        }
        await pause();
      }
      await until(runner(), 'evaluating');
      results.push({ weights: await weights(coordinator, runner()), model: runner().state().stages[0]!.model });
    }
    expect(results[0]!.weights.every((weight) => Number.isFinite(weight))).toBe(true);
    expect(results[0]!.weights.some((weight) => weight !== 0)).toBe(true);
    expect(results[1]).toEqual(results[0]);
  });

  test('after the deadline gives sites their time, once more', async () => {
    const coordinator = await create();
    await training(coordinator);
    await coordinator.studies().stop();
    coordinator.clock.moveTo(coordinator.clock.now() + 86_400_000);
    await coordinator.restart();
    const runner = coordinator.studies().all()[0]!;
    expect(runner.state().phase).toEqual({ kind: 'training', deadlineMillis: coordinator.clock.now() + 600_000 });
    await coordinator.send(runner, 'basel', changes.basel);
    expect(currentRound(runner.state())?.accepted).toHaveLength(1);
  });

  test('invites sites that were admitted just before', async () => {
    const coordinator = await create();
    const runner = await coordinator.begin(plan(), ['basel']);
    const { sites: table } = coordinator.stores;
    await table.addInvitation({ secretHash: 'x', site: 'lugano', expiresAtMillis: 1, usedByKey: null });
    await table.enrol(
      { site: 'lugano', signingKey: 'x', sealingKey: 'x', status: 'admitted', enrolledAtMillis: 0 },
      'x',
    );
    expect(coordinator.studies().workFor('lugano')).toBeNull();
    await coordinator.restart();
    expect(coordinator.studies().workFor('lugano')).toMatchObject({ kind: 'prepare', study: runner.state().study });
  });
});

describe('a failure', () => {
  test('of the journal refuses the input and changes nothing', async () => {
    let isFull = false;
    const coordinator = await create(({ work, stores }) => ({
      work,
      stores: {
        ...stores,
        journal: {
          ...stores.journal,
          async append(study, events, position) {
            if (isFull) throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
            await stores.journal.append(study, events, position);
          },
        },
      },
    }));
    const runner = await training(coordinator);
    const before = runner.state();
    isFull = true;
    await expect(coordinator.send(runner, 'basel', changes.basel)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(runner.state()).toBe(before);
    // The deadline passes meanwhile: it is kept as soon as there is space.
    coordinator.clock.moveTo(coordinator.clock.now() + 600_000);
    await vi.waitFor(() => expect(coordinator.clock.nextAlarm()).toBeGreaterThan(coordinator.clock.now()));
    isFull = false;
    coordinator.clock.moveTo(coordinator.clock.nextAlarm()!);
    await until(runner, 'failed');
  });

  test('of an effect is tried again, and in the end fails the study by name', async () => {
    let failures = 0;
    const coordinator = await create(({ work, stores }) => ({
      stores,
      work: {
        ...work,
        async prepareStage(request) {
          if (failures === 3) return work.prepareStage(request);
          failures += 1;
          throw new Error('not now');
        },
        async aggregate() {
          throw new Error('never');
        },
      },
    }));
    const runner = await coordinator.begin(plan(), sites);
    const ringNext = async () => {
      await vi.waitFor(() => expect(coordinator.clock.nextAlarm()).not.toBeNull());
      coordinator.clock.moveTo(coordinator.clock.nextAlarm()!);
    };
    for (let i = 0; i < 3; i++) await ringNext();
    await until(runner, 'training');
    for (const site of ['basel', 'geneva', 'zurich'] as const) await coordinator.send(runner, site, changes[site]);
    const begun = coordinator.clock.now();
    while (phase(runner) === 'aggregating') {
      const alarm = coordinator.clock.nextAlarm();
      if (alarm !== null) coordinator.clock.moveTo(alarm);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(runner.state().phase).toEqual({ kind: 'failed', reason: 'aggregation-failed' });
    expect(coordinator.clock.now() - begun).toBeGreaterThan(240_000);
  });
});

describe('launch()', () => {
  test('refuses what could never run', async () => {
    const coordinator = await create();
    const { studies } = coordinator;
    await studies().launch(plan());
    await expect(studies().launch(plan())).rejects.toMatchObject({ code: 'study-exists' });
    const base = plan();
    const many = { ...base, name: 'many', participation: { ...base.participation, quorum: 4 } };
    await expect(studies().launch(many)).rejects.toMatchObject({ code: 'too-few-sites' });
    const wide = { ...base, name: 'wide', protection: { ...base.protection, maximumSampleCount: 100_000_000 } };
    await expect(studies().launch(wide)).resolves.toBeDefined();
    for (let i = 0; i < 19; i++) {
      const site = `more-${i}`;
      await coordinator.stores.sites.addInvitation({ secretHash: site, site, expiresAtMillis: 1, usedByKey: null });
      await coordinator.stores.sites.enrol(
        { site, signingKey: site, sealingKey: site, status: 'admitted', enrolledAtMillis: 0 },
        site,
      );
      await studies().invite(site);
    }
    // 21 sites of 100 million samples each still fit into 32 bits, 22 do not.
    expect(Object.keys(studies().all()[1]!.state().sites)).toHaveLength(21);
    await expect(studies().launch({ ...wide, name: 'wider' })).rejects.toMatchObject({ code: 'updates-do-not-fit' });
  });
});
