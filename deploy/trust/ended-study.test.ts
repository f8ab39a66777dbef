/** What a coordinator keeps of a study that has ended, and for how long. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { createSteadyClock } from '@wardround/coordinator/rounds/clock.ts';
import { openDatabase } from '@wardround/coordinator/storage/open-database.ts';
import { describeOnEachDatabase } from '@wardround/coordinator/testing/describe-on-each-database.ts';
import { startTestCoordinator } from '@wardround/coordinator/testing/test-coordinator.ts';
import { expect, test, vi } from 'vitest';
import { securePlan } from './testing/secure-plan.ts';
import { createSessionSite } from './testing/session-site.ts';

const names = ['basel', 'geneva', 'zurich'];
const day = 86_400_000;
const plan = securePlan({ rounds: 1 });

describeOnEachDatabase('a study that has ended', (place) => {
  test('leaves no statements, and its transcript for ninety days', { timeout: 120_000 }, async () => {
    let days = 0;
    const steady = createSteadyClock();
    const shift = () => days * day;
    const clock = {
      now: () => steady.now() + shift(),
      at: (timeMillis: number, ring: () => void) => steady.at(timeMillis - shift(), ring),
    };
    const coordinator = await startTestCoordinator({ databaseUrl: place.url(), clock });
    const sites = await Promise.all((await coordinator.join(...names)).map((site) => createSessionSite(site)));
    const stop = new AbortController();
    const study = await coordinator.launch(plan);
    const runs = sites.map((site) => site.run(stop.signal));
    const ended = async () => expect((await coordinator.study(study)).state.endedAtMillis).not.toBeNull();
    await vi.waitFor(ended, { timeout: 90_000, interval: 50 });
    stop.abort();
    await Promise.all(runs);

    const files = async (...parts: string[]) => (await readdir(path.join(coordinator.folder, ...parts))).length;
    const kept = async () => [
      await files('sessions'),
      ...(await Promise.all(names.map((name) => files('uploads', name)))),
    ];
    const statements = async () => {
      const database = await openDatabase(databaseAt);
      const rows = await database.tables.selectFrom('statements').select('path').execute();
      await database.close();
      return rows.length;
    };
    const databaseAt =
      place.kind === 'sqlite'
        ? ({ kind: 'sqlite', file: path.join(coordinator.folder, 'coordinator.sqlite') } as const)
        : place.place();
    expect(await statements()).toBe(5 * names.length);
    days = 89;
    await coordinator.restart();
    await vi.waitFor(async () => expect(await statements()).toBe(0));
    expect(await kept()).toEqual([5 * names.length, 1, 1, 1]);
    days = 91;
    await coordinator.restart();
    await vi.waitFor(async () => expect(await kept()).toEqual([0, 0, 0, 0]));
    await coordinator.close();
    for (const site of sites) await site.remove();
  });
});
