import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, expect, test } from 'vitest';
import { describeOnEachDatabase, describeOnPostgresql } from '../testing/describe-on-each-database.ts';
import type { Database } from './database.ts';
import { createLeases, FencedOutError, type Lease, type Leases, requireLease } from './leases.ts';

const term = (nowMillis: number) => ({ nowMillis, durationMillis: 10 });

describeOnEachDatabase('createLeases()', (place) => {
  let database: Database;
  let leases: Leases;
  beforeEach(async () => {
    database = await place.open();
    leases = createLeases(database);
  });

  test('gives a lease to one holder at a time', async () => {
    expect(await leases.acquire('studies', 'a', term(0))).toEqual({ name: 'studies', epoch: 1 });
    expect(await leases.acquire('studies', 'b', term(9))).toBeNull();
    expect(await leases.acquire('studies', 'a', term(9))).toEqual({ name: 'studies', epoch: 1 });
    expect(await leases.acquire('studies', 'b', term(18))).toBeNull();
    expect(await leases.acquire('other', 'b', term(18))).toEqual({ name: 'other', epoch: 1 });
    expect(await leases.acquire('studies', 'b', term(19))).toEqual({ name: 'studies', epoch: 2 });
  });

  test('is renewed by its own holder only, and given back by it', async () => {
    const first = (await leases.acquire('studies', 'a', term(0)))!;
    expect(await leases.renew(first, term(8))).toBe(true);
    expect(await leases.acquire('studies', 'b', term(17))).toBeNull();
    const second = (await leases.acquire('studies', 'b', term(18)))!;
    expect(await leases.renew(first, term(18))).toBe(false);
    await leases.release(first);
    expect(await leases.acquire('studies', 'c', term(19))).toBeNull();
    await leases.release(second);
    expect(await leases.renew(second, term(19))).toBe(false);
    expect(await leases.acquire('studies', 'a', term(19))).toEqual({ name: 'studies', epoch: 3 });
  });

  test('raises the epoch for a holder that comes back after its lease was given back or ran out', async () => {
    await leases.release((await leases.acquire('studies', 'a', term(0)))!);
    expect(await leases.acquire('studies', 'a', term(1))).toMatchObject({ epoch: 2 });
    expect(await leases.acquire('studies', 'a', term(11))).toMatchObject({ epoch: 3 });
  });

  test('has one winner among many that ask at the same time', async () => {
    const all = await Promise.all(['a', 'b', 'c', 'd'].map(async () => createLeases(await place.openBeside(database))));
    const won = await Promise.all(all.map((own, index) => own.acquire('studies', `holder-${index}`, term(0))));
    expect(won.filter((lease) => lease !== null)).toEqual([{ name: 'studies', epoch: 1 }]);
    // Again when it has run out.
    for (const epoch of [2, 3, 4]) {
      const next = await Promise.all(
        all.map((own, index) => own.acquire('studies', `next-${index}`, term(epoch * 10))),
      );
      expect(next.filter((lease) => lease !== null)).toEqual([{ name: 'studies', epoch }]);
    }
  });
});

describeOnPostgresql('requireLease()', (place) => {
  test('lets nobody acquire the lease before the transaction has ended', async () => {
    const database = await place.open();
    const lease = (await createLeases(database).acquire('studies', 'a', term(0)))!;
    const next = createLeases(await place.open());
    let isAcquired = false;
    let acquired: Promise<Lease | null> | null = null;
    await database.transaction(async (tables) => {
      await requireLease(tables, lease, database);
      acquired = next.acquire('studies', 'b', term(20)).finally(() => {
        isAcquired = true;
      });
      await delay(200);
      expect(isAcquired).toBe(false);
    });
    expect(await acquired).toMatchObject({ epoch: 2 });
    await expect(database.transaction((tables) => requireLease(tables, lease, database))).rejects.toThrow(
      FencedOutError,
    );
  });
});
