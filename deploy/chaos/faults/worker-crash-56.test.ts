/**
 * Fault 56: the thread that adds the updates dies while it unmasks them, the coordinator's event loop stands still, and its
 * process runs out of memory. The sum is computed again to the same bytes, and a supervisor's restart is all that is needed.
 */
import { globSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { startTestCoordinator, testPlan } from '@wardround/coordinator/testing/test-coordinator.ts';
import type { StudyState } from '@wardround/protocols/round/state.ts';
import { checkStudyPlan } from '@wardround/protocols/study/parse-plan.ts';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { createSessionSite } from '../../trust/testing/session-site.ts';
import { chaosPlan } from '../consortium/chaos-plan.ts';
import type { Consortium } from '../consortium/start-consortium.ts';
import { modelsOf } from '../oracles/promises.ts';
import { faultFreeModels } from './fault-free-models.ts';
import { startAll, throughFault, untilState } from './through-fault.ts';

const deploy = fileURLToPath(new URL('../..', import.meta.url));

/** A study of two rounds with the real aggregation thread, which dies so many times just when it was asked for a sum. */
async function studyWithDyingThread(deaths: number): Promise<{ state: StudyState; failures: number }> {
  let died = 0;
  const post = Worker.prototype.postMessage;
  vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, message, ...rest) {
    post.call(this, message, ...(rest as []));
    if (message.task !== 'aggregate' || died === deaths) return;
    died += 1;
    void this.terminate();
  });
  const coordinator = await startTestCoordinator();
  const stop = new AbortController();
  const base = testPlan({ rounds: 2 });
  const plan = checkStudyPlan({
    ...base,
    stages: base.stages.slice(0, 1),
    protection: { ...base.protection, mode: 'secure-aggregation' },
  });
  const joined = await coordinator.join('basel', 'geneva', 'zurich');
  const sites = await Promise.all(joined.map((site) => createSessionSite(site)));
  const runs = sites.map((site) => site.run(stop.signal));
  try {
    const study = await coordinator.launch(plan);
    const look = async () => (await coordinator.study(study)).state;
    await vi.waitFor(async () => expect((await look()).endedAtMillis).not.toBeNull(), {
      timeout: 90_000,
      interval: 100,
    });
    const failures = coordinator.log.filter((line) => line.includes('an effect failed')).length;
    return { state: await look(), failures };
  } finally {
    vi.restoreAllMocks();
    stop.abort();
    await Promise.all(runs);
    for (const site of sites) await site.remove();
    await coordinator.close();
  }
}

describe('the aggregation thread', () => {
  test('fault 56: dies while it unmasks, is replaced, and comes to the same bytes', { timeout: 200_000 }, async () => {
    const unharmed = await studyWithDyingThread(0);
    const harmed = await studyWithDyingThread(3);
    expect([unharmed.failures, harmed.failures]).toEqual([0, 3]);
    expect(harmed.state.phase).toEqual({ kind: 'finished' });
    expect(modelsOf(harmed.state)).toEqual(modelsOf(unharmed.state));
    const sums = ({ stages }: StudyState) =>
      stages.flatMap(({ rounds }) => rounds.map(({ outcome }) => outcome !== null && 'sum' in outcome && outcome.sum));
    expect(sums(harmed.state)).toEqual(sums(unharmed.state));
  });
});

const plan = chaosPlan({ name: 'trouble', rounds: 2, quorum: 3 });
const trouble = fileURLToPath(new URL('../consortium/in-trouble.ts', import.meta.url));
/** A heap in which a coordinator runs, and what brings it into trouble. What it says when its memory ends is of no interest. */
const small = {
  where: 'process',
  through: ([node = '', ...words]: readonly string[]) => {
    const limited = [node, '--max-old-space-size=64', '--import', trouble, ...words];
    return ['bash', '-c', 'ulimit -c 0; exec "$@" 2>/dev/null', 'bash', ...limited];
  },
} as const;

/** Starts the coordinator again whenever it is gone, as systemd and containers do. */
function supervise(consortium: Consortium): { readonly ends: (NodeJS.Signals | null)[]; stop(): void } {
  const ends: (NodeJS.Signals | null)[] = [];
  let isOver = false;
  const watch = async (): Promise<void> => {
    const signal = await consortium.coordinator().gone;
    if (isOver) return;
    ends.push(signal);
    await consortium.startCoordinator(small);
    await watch();
  };
  void watch();
  return {
    ends,
    stop() {
      isOver = true;
    },
  };
}

async function meet(consortium: Consortium, kind: 'stall' | 'memory', atRound: number, study: string): Promise<void> {
  await untilState(consortium, study, (round) => round?.session !== undefined && round.round >= atRound);
  await writeFile(`${consortium.coordinatorFolder}.trouble`, kind);
}

describe('a coordinator in trouble', () => {
  let unharmed: readonly string[];
  beforeAll(async () => {
    unharmed = await faultFreeModels(plan, { sites: 3 });
  });

  test('fault 56: its event loop stands still in the middle of each round, and nothing is lost', {
    timeout: 90_000,
  }, async () => {
    const make = async (consortium: Consortium, study: string) => {
      startAll(consortium);
      for (const round of [1, 2]) await meet(consortium, 'stall', round, study);
    };
    const state = await throughFault({ sites: 3, coordinator: small }, { plan, make });
    expect(state.phase).toEqual({ kind: 'finished' });
    expect(modelsOf(state)).toEqual(unharmed);
  });

  test('fault 56: its memory ends in the middle of a round, it is started again, and the round commits', {
    timeout: 90_000,
  }, async () => {
    const made: { ends: readonly (NodeJS.Signals | null)[]; stop(): void }[] = [];
    const make = async (consortium: Consortium, study: string) => {
      made.push(supervise(consortium));
      startAll(consortium);
      await meet(consortium, 'memory', 1, study);
    };
    const look = () => made[0]!.stop();
    const state = await throughFault({ sites: 3, coordinator: small }, { plan, make, look });
    expect(state.phase).toEqual({ kind: 'finished' });
    expect(modelsOf(state)).toEqual(unharmed);
    expect(made[0]!.ends).toHaveLength(1);
    expect(['SIGABRT', 'SIGTRAP']).toContain(made[0]!.ends[0]);
  });

  test('fault 56: every program that we ship a service for is started again', () => {
    const units = globSync('systemd/*.service', { cwd: deploy });
    expect(units.length).toBeGreaterThanOrEqual(2);
    for (const unit of units) expect(readFileSync(`${deploy}/${unit}`, 'utf8'), unit).toMatch(/^Restart=always$/m);
    const files = globSync('compose/*.yaml', { cwd: deploy });
    expect(files.length).toBeGreaterThanOrEqual(2);
    for (const file of files) {
      const { services } = parse(readFileSync(`${deploy}/${file}`, 'utf8'), { merge: true });
      for (const [name, service] of Object.entries<{ restart?: string; image?: string }>(services)) {
        // What only adds to another file has no image of its own.
        if (service.image === undefined) continue;
        expect([file, name, service.restart]).toEqual([
          file,
          name,
          expect.stringMatching(/^(unless-stopped|always|on-failure)$/),
        ]);
      }
    }
  });
});
