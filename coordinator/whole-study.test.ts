/** Whole studies: real HTTP, real keys, real threads and processes, made-up training. Three ways to the same bytes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { Client } from 'pg';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { type AdminClient, openAdminClient } from './cli/admin-client.ts';
import { readStoredStudies } from './cli/read-state.ts';
import type { InvitationAnswer, LaunchAnswer, StudyAnswer } from './edge/admin-messages.ts';
import type { PostgresqlPlace } from './storage/database-place.ts';
import { describeOnEachDatabase, describeOnPostgresql } from './testing/describe-on-each-database.ts';
import { nextWork, startTestCoordinator, type TestCoordinator, testPlan } from './testing/test-coordinator.ts';
import { joinTestSite, madeUpUpdate, type TestSite } from './testing/test-site.ts';

const names = ['basel', 'geneva', 'zurich'];
const cleanUps: (() => unknown)[] = [];
let undisturbed: { readonly models: readonly string[] };

/** Every study here has one round of each stage. */
async function runStudy(coordinator: TestCoordinator, order: readonly number[]): Promise<StudyAnswer> {
  const sites = await coordinator.join(...names);
  const study = await coordinator.launch(testPlan());
  for (const _ of ['ready', 'slices', 'alignment', 'evaluation']) {
    for (const index of order) await sites[index]!.doWork(await nextWork(sites[index]!));
  }
  return coordinator.study(study);
}

function modelsOf({ state }: StudyAnswer): string[] {
  return state.stages.flatMap(({ initialModel, model }) => [initialModel, model]);
}

beforeAll(async () => {
  const coordinator = await startTestCoordinator();
  undisturbed = { models: modelsOf(await runStudy(coordinator, [0, 1, 2])) };
  await coordinator.close();
});

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

describeOnEachDatabase('a study', (database) => {
  test('gives the same bytes when updates arrive in another order, and leaves nothing behind but results', async () => {
    const coordinator = await startTestCoordinator({ databaseUrl: database.url() });
    cleanUps.push(() => coordinator.close());
    const answer = await runStudy(coordinator, [2, 0, 1]);
    const { state } = answer;
    expect(state.phase).toEqual({ kind: 'finished' });
    const committed = { kind: 'committed', participants: names };
    expect(state.stages.map(({ rounds }) => rounds[0]?.outcome)).toMatchObject([committed, committed]);
    expect(Object.keys(state.evaluation?.reports ?? {}).sort()).toEqual(names);

    expect(new Set(undisturbed.models).size).toBe(4);
    expect(modelsOf(answer)).toEqual(undisturbed.models);

    // What stays on the disk: the plan, and the weights each stage began and ended with.
    const left = async (folder: string) => (await readdir(path.join(coordinator.folder, folder))).sort();
    await vi.waitFor(async () => {
      expect(await left('published')).toEqual([state.planBlob, ...undisturbed.models].sort());
      expect(await left('optimiser-states')).toEqual([]);
      for (const site of names) expect(await left(`uploads/${site}`)).toEqual([]);
    });
    expect((await readStoredStudies(coordinator.folder, { databaseUrl: database.url() })).states).toEqual([state]);
  });

  test('goes on after kill -9, keeps what was acknowledged, and gives the same bytes', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'killed-'));
    cleanUps.push(() => rm(folder, { recursive: true }));
    const databaseUrl = database.url();
    let coordinator = await startProcess({ folder, port: '0', databaseUrl });
    const { port } = new URL(coordinator.url);
    let admin = await openAdminClient(folder);
    const restart = async (): Promise<void> => {
      await coordinator.kill();
      coordinator = await startProcess({ folder, port, databaseUrl });
      admin = await openAdminClient(folder);
    };

    const sites: TestSite[] = [];
    for (const site of names) {
      const { token } = await admin.post<InvitationAnswer>('/v1/admin/invitations', { site });
      sites.push(await joinTestSite(token, sites));
    }
    const [basel, geneva, zurich] = sites as [TestSite, TestSite, TestSite];
    const { study } = await admin.post<LaunchAnswer>('/v1/admin/studies', testPlan());
    await basel.doWork(await nextWork(basel));

    // In the middle of the wait for sites, whose answers survive.
    await restart();
    expect((await basel.work()).kind).toBe('idle');
    for (const site of [geneva, zurich]) await site.doWork(await nextWork(site));

    // In the middle of a round: Basel's update is accepted, Geneva's is uploaded and not offered yet, Zurich's is not made.
    await basel.doWork(await nextWork(basel));
    const work = await nextWork(geneva);
    if (work.kind !== 'train') throw new Error('expected training');
    const update = await madeUpUpdate(work, geneva);
    expect((await geneva.upload(update.sealed)).status).toBe(204);
    await restart();
    expect((await basel.work()).kind).toBe('idle');
    const offered = await geneva.post(`/v1/studies/${study}/stages/slices/rounds/1/update`, update.offer);
    expect(offered.status).toBe(200);
    await zurich.doWork(await nextWork(zurich));

    // While the updates are being added.
    await restart();
    for (const site of sites) await site.doWork(await nextWork(site));
    for (const site of sites) await site.doWork(await nextWork(site));

    const answer = await finished(admin, study);
    expect(answer.state.phase).toEqual({ kind: 'finished' });
    expect(answer.state.stages[0]?.rounds[0]?.outcome).toMatchObject({ participants: names });
    expect(modelsOf(answer)).toEqual(undisturbed.models);
  });
});

describeOnPostgresql('a study', (database) => {
  test('gives the same bytes while its connections to the database are ended again and again', async () => {
    const seed = randomInt(2 ** 31);
    const random = createRandom(`connections/${seed}`);
    const url = new URL(database.url()!);
    const application = `study-${seed}`;
    url.searchParams.set('application_name', application);
    const coordinator = await startTestCoordinator({ databaseUrl: url.href });
    cleanUps.push(() => coordinator.close());
    const sites = await coordinator.join(...names);
    const study = await coordinator.launch(testPlan());

    const administrator = new Client({ connectionString: (database.place() as PostgresqlPlace).url });
    await administrator.connect();
    cleanUps.push(() => administrator.end());
    let ended = 0;
    let isOver = false;
    const disturb = async (): Promise<void> => {
      while (!isOver) {
        // Long enough for a request to get through between two of them: each asks the database several times.
        await delay(random.int(600));
        const { rowCount } = await administrator.query(
          'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1',
          [application],
        );
        ended += rowCount ?? 0;
        isOver = (await persistently(() => coordinator.study(study))).state.endedAtMillis !== null;
      }
    };
    const work = async (site: TestSite): Promise<void> => {
      while (!isOver) {
        const asked = await persistently(() => site.work());
        // Whether it was stored before the answer was lost shows in the next work.
        if (asked.kind !== 'idle') await site.doWork(asked).catch(requireUnavailable);
        await delay(50);
      }
    };
    await Promise.all([disturb(), ...sites.map(work)]);

    const answer = await persistently(() => coordinator.study(study));
    expect(answer.state.phase, `seed ${seed}`).toEqual({ kind: 'finished' });
    expect(modelsOf(answer), `seed ${seed}`).toEqual(undisturbed.models);
    expect(answer.state.stages[0]?.rounds[0]?.outcome).toMatchObject({ participants: names });
    expect(ended).toBeGreaterThan(3);
  });
});

function requireUnavailable(error: unknown): void {
  const { code, message } = error as { readonly code?: string; readonly message: string };
  if (code !== 'database-unavailable' && !message.includes('database-unavailable')) throw error;
}

/** As sites and administrators do: asks again while the database is away. */
async function persistently<Result>(task: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await task();
    } catch (error) {
      requireUnavailable(error);
      await delay(10);
    }
  }
}

interface CoordinatorProcess {
  readonly url: string;
  kill(): Promise<void>;
}

async function startProcess(options: {
  readonly folder: string;
  readonly port: string;
  readonly databaseUrl: string | null;
}): Promise<CoordinatorProcess> {
  const { folder, port, databaseUrl } = options;
  const launcher = path.join(import.meta.dirname, 'bin/wardround-coordinator.js');
  const args = [launcher, 'start', '--state', folder, '--port', port, '--admit-invited'];
  const child: ChildProcess = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, DATABASE_URL: databaseUrl ?? '' },
  });
  cleanUps.push(() => child.kill('SIGKILL'));
  for await (const line of createInterface({ input: child.stdout! })) {
    const url = /^Listening on (http:\S+)$/.exec(line)?.[1];
    if (url === undefined) continue;
    return {
      url,
      async kill() {
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      },
    };
  }
  throw new Error('the coordinator did not start');
}

async function finished(admin: AdminClient, study: string): Promise<StudyAnswer> {
  for (;;) {
    const answer = await admin.get<StudyAnswer>(`/v1/admin/studies/${study}`);
    if (answer.state.endedAtMillis !== null) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
