import { StudyEvent } from '@wardround/protocols/round/events.ts';
import vector from '@wardround/protocols/round/test-vectors/journal.json' with { type: 'json' };
import { type Kysely, sql } from 'kysely';
import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { describeOnEachDatabase } from '../testing/describe-on-each-database.ts';
import type { Database } from './database.ts';
import { createJournal, type Journal, JournalConflictError, JournalDamagedError } from './journal.ts';
import { createLeases, FencedOutError } from './leases.ts';
import type { Tables } from './tables.ts';

const events = z.array(StudyEvent).parse(vector.events);
const study = 'a'.repeat(64);

describeOnEachDatabase('createJournal()', (place) => {
  let database: Database;
  let journal: Journal;
  beforeEach(async () => {
    database = await place.open();
    journal = createJournal(database);
  });

  test('gives back what was appended, after opening again', async () => {
    await journal.append(study, events.slice(0, 5), { position: 0 });
    await journal.append(study, events.slice(5), { position: 5 });
    await database.close();
    expect(await createJournal(await place.open()).read(study)).toEqual(events);
  });

  test('lists studies in the order of their launch', async () => {
    await journal.append(study, [{ ...events[0]!, atMillis: 20 }], { position: 0 });
    await journal.append('b'.repeat(64), [{ ...events[0]!, atMillis: 10 }], { position: 0 });
    expect(await journal.studies()).toEqual(['b'.repeat(64), study]);
  });

  test.each([3, 4, 6, 9])('refuses a writer that believes there are %i events of five', async (position) => {
    await journal.append(study, events.slice(0, 5), { position: 0 });
    const appended = journal.append(study, events.slice(position, position + 6), { position });
    await expect(appended).rejects.toThrow(JournalConflictError);
    expect(await journal.read(study)).toEqual(events.slice(0, 5));
  });

  test('takes the same append again when its answer was lost, and no other', async () => {
    await journal.append(study, events.slice(0, 5), { position: 0 });
    await journal.append(study, events.slice(5, 7), { position: 5 });
    await journal.append(study, events.slice(5, 7), { position: 5 });
    await expect(journal.append(study, events.slice(5, 6), { position: 5 })).rejects.toThrow(JournalConflictError);
    expect(await journal.read(study)).toEqual(events.slice(0, 7));
  });

  test('is never forked by writers that append at the same time', async () => {
    const others = await Promise.all(
      Array.from({ length: 4 }, async () => createJournal(await place.openBeside(database))),
    );
    for (let position = 0; position < 5; position++) {
      const results = await Promise.allSettled(
        others.map((other, index) => other.append(study, [{ ...events[position]!, atMillis: index }], { position })),
      );
      const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
      expect(refused.map((error) => error.name)).toEqual(Array(3).fill('JournalConflictError'));
      expect(await journal.read(study)).toHaveLength(position + 1);
    }
  });

  test('refuses who holds an old epoch of the lease, and keeps nothing of it', async () => {
    const leases = createLeases(database);
    const term = { nowMillis: 0, durationMillis: 10 };
    const old = (await leases.acquire(study, 'replica-1', term))!;
    await journal.append(study, events.slice(0, 2), { position: 0, lease: old });
    const fresh = (await leases.acquire(study, 'replica-2', { ...term, nowMillis: 20 }))!;
    await expect(journal.append(study, events.slice(2, 3), { position: 2, lease: old })).rejects.toThrow(
      FencedOutError,
    );
    const unknown = { name: 'another', epoch: 1 };
    await expect(journal.append(study, events.slice(2, 3), { position: 2, lease: unknown })).rejects.toThrow(
      FencedOutError,
    );
    expect(await journal.read(study)).toHaveLength(2);
    await journal.append(study, events.slice(2, 3), { position: 2, lease: fresh });
    expect(await journal.read(study)).toHaveLength(3);
  });

  type Damage = (tables: Kysely<Tables>) => Promise<unknown>;
  const move = (from: number, to: number): Damage => {
    return (tables) => tables.updateTable('events').set({ seq: to }).where('seq', '=', from).execute();
  };
  const rewrite = (seq: number, text: string | ReturnType<typeof sql<string>>): Damage => {
    return (tables) => tables.updateTable('events').set({ event: text }).where('seq', '=', seq).execute();
  };
  test.each<[string, readonly Damage[]]>([
    ['an edited event', [rewrite(1, sql<string>`replace(event, 'basel', 'basle')`)]],
    ['a removed event', [(tables) => tables.deleteFrom('events').where('seq', '=', 3).execute()]],
    ['a swapped pair', [move(3, -1), move(4, 3), move(-1, 4)]],
    ['an unknown kind', [rewrite(0, '{}')]],
  ])('notices %s', async (_, damages) => {
    await journal.append(study, events, { position: 0 });
    for (const damage of damages) await damage(database.tables);
    await expect(journal.read(study)).rejects.toThrow(JournalDamagedError);
  });
});
