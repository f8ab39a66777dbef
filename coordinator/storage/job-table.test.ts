import { beforeEach, expect, test } from 'vitest';
import { describeOnEachDatabase } from '../testing/describe-on-each-database.ts';
import type { Database } from './database.ts';
import { createJobTable, type JobTable } from './job-table.ts';

describeOnEachDatabase('createJobTable()', (place) => {
  let database: Database;
  let jobs: JobTable;
  beforeEach(async () => {
    database = await place.open();
    jobs = createJobTable(database);
  });
  const add = (key: string, runAtMillis = 0, kind = 'aggregate') =>
    jobs.add({ kind, key, payload: { of: key }, runAtMillis });
  const at = (nowMillis: number) => ({ kinds: ['aggregate'], nowMillis, lockMillis: 10 });

  test('gives out each job once, the one that is due the longest first', async () => {
    expect([await add('late', 5), await add('early', 1), await add('other', 0, 'sweep')]).toEqual([true, true, true]);
    expect(await add('late')).toBe(false);
    expect(await jobs.take(at(0))).toBeNull();
    expect(await jobs.take(at(5))).toMatchObject({
      key: 'early',
      payload: { of: 'early' },
      runAtMillis: 1,
      attempts: 1,
    });
    expect(await jobs.take(at(5))).toMatchObject({ key: 'late' });
    expect(await jobs.take(at(5))).toBeNull();
    expect(await jobs.take({ ...at(5), kinds: [] })).toBeNull();
  });

  test('gives a job to another once its lock has run out, and listens to the first no more', async () => {
    await add('job');
    const first = (await jobs.take(at(0)))!;
    expect(await jobs.extend(first, { nowMillis: 8, lockMillis: 10 })).toBe(true);
    expect(await jobs.take(at(17))).toBeNull();
    const second = (await jobs.take(at(18)))!;
    expect(second).toMatchObject({ key: 'job', attempts: 2 });
    expect(await jobs.extend(first, { nowMillis: 18, lockMillis: 10 })).toBe(false);
    expect(await jobs.postpone(first, 0)).toBe(false);
    expect(await jobs.complete(first)).toBe(false);
    expect(await jobs.complete(second)).toBe(true);
    expect(await jobs.take(at(100))).toBeNull();
    expect(await add('job')).toBe(true);
  });

  test('puts a job back for later', async () => {
    await add('job');
    expect(await jobs.postpone((await jobs.take(at(0)))!, 7)).toBe(true);
    expect(await jobs.take(at(6))).toBeNull();
    expect(await jobs.take(at(7))).toMatchObject({ key: 'job', attempts: 2 });
  });

  test('gives many that ask at the same time a job each', async () => {
    const keys = Array.from({ length: 12 }, (_, index) => `job-${index}`);
    for (const key of keys) await add(key);
    const workers = await Promise.all(
      Array.from({ length: 3 }, async () => createJobTable(await place.openBeside(database))),
    );
    const taken = await Promise.all(keys.map((_, index) => workers[index % 3]!.take(at(0))));
    expect(taken.map((job) => job?.key).sort()).toEqual(keys.sort());
  });
});
