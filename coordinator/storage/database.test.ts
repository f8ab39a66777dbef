import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { StudyEvent } from '@wardround/protocols/round/events.ts';
import vector from '@wardround/protocols/round/test-vectors/journal.json' with { type: 'json' };
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { DatabaseVersionError, openDatabase, openDatabaseForReading } from './database.ts';
import { createJournal, JournalDamagedError } from './journal.ts';
import { createNonceMemory } from './nonce-memory.ts';
import { createSiteTable } from './site-table.ts';

const events = z.array(StudyEvent).parse(vector.events);
const study = 'a'.repeat(64);
let folder: string;
let file: string;
let database: DatabaseSync;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'database-'));
  file = path.join(folder, 'coordinator.sqlite');
  database = openDatabase(file);
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

describe('openDatabase()', () => {
  test('makes commits durable', () => {
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    expect(database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
  });

  test('refuses a file of a newer version', () => {
    database.exec('PRAGMA user_version = 99');
    expect(() => openDatabase(file)).toThrow(DatabaseVersionError);
    expect(() => openDatabaseForReading(file)).toThrow(DatabaseVersionError);
  });

  test('can be read while it is written', async () => {
    await createJournal(database).append(study, events, 0);
    const reader = openDatabaseForReading(file);
    expect(await createJournal(reader).read(study)).toEqual(events);
    await expect(createJournal(reader).append(study, events, events.length)).rejects.toThrow(/readonly/);
    reader.close();
  });
});

describe('createJournal()', () => {
  test('gives back what was appended, after opening again', async () => {
    const journal = createJournal(database);
    await journal.append(study, events.slice(0, 5), 0);
    await journal.append(study, events.slice(5), 5);
    database.close();
    database = openDatabase(file);
    expect(await createJournal(database).read(study)).toEqual(events);
  });

  test('lists studies in the order of their launch', async () => {
    const journal = createJournal(database);
    await journal.append(study, [{ ...events[0]!, atMillis: 20 }], 0);
    await journal.append('b'.repeat(64), [{ ...events[0]!, atMillis: 10 }], 0);
    expect(await journal.studies()).toEqual(['b'.repeat(64), study]);
  });

  test('refuses a writer that has not seen all events, and keeps nothing of its append', async () => {
    const journal = createJournal(database);
    await journal.append(study, events.slice(0, 5), 0);
    await expect(journal.append(study, events.slice(3, 9), 3)).rejects.toThrow(RangeError);
    expect(await journal.read(study)).toHaveLength(5);
  });

  test.each([
    ['an edited event', "UPDATE events SET event = replace(event, 'basel', 'basle') WHERE seq = 1"],
    ['a removed event', 'DELETE FROM events WHERE seq = 3'],
    ['a swapped pair', swapEvents(3, 4)],
    ['an unknown kind', "UPDATE events SET event = '{}' WHERE seq = 0"],
  ])('notices %s', async (_, damage) => {
    const journal = createJournal(database);
    await journal.append(study, events, 0);
    database.exec(damage);
    await expect(journal.read(study)).rejects.toThrow(JournalDamagedError);
  });
});

describe('createNonceMemory()', () => {
  test('takes each nonce of a signer once, also after opening again, until it has expired', async () => {
    const time = { nowMillis: 0, expiresAtMillis: 1000 };
    expect(await createNonceMemory(database).remember('basel', 'n1', time)).toBe(true);
    expect(await createNonceMemory(database).remember('geneva', 'n1', time)).toBe(true);
    expect(await createNonceMemory(database).remember('basel', 'n1', time)).toBe(false);
    await createNonceMemory(database).remember('basel', 'n2', { nowMillis: 1001, expiresAtMillis: 2000 });
    expect(database.prepare('SELECT count(*) AS n FROM nonces').get()).toEqual({ n: 1 });
  });
});

describe('createSiteTable()', () => {
  const site = { site: 'basel', signingKey: 'k', sealingKey: 's', status: 'pending', enrolledAtMillis: 1 } as const;

  test('spends an invitation once', async () => {
    const table = createSiteTable(database);
    await table.addInvitation({ secretHash: 'h', site: 'basel', expiresAtMillis: 9, usedByKey: null });
    expect(await table.enrol(site, 'unknown')).toBe(false);
    expect(await table.findSite('basel')).toBeNull();
    expect(await table.enrol(site, 'h')).toBe(true);
    expect(await table.enrol({ ...site, site: 'geneva' }, 'h')).toBe(false);
    expect(await table.findInvitation('h')).toMatchObject({ usedByKey: 'k' });
    expect(await table.sites()).toEqual([site]);
  });

  test('replaces the unused invitation of a site', async () => {
    const table = createSiteTable(database);
    await table.addInvitation({ secretHash: 'h1', site: 'basel', expiresAtMillis: 9, usedByKey: null });
    await table.addInvitation({ secretHash: 'h2', site: 'basel', expiresAtMillis: 9, usedByKey: null });
    expect((await table.openInvitations()).map(({ secretHash }) => secretHash)).toEqual(['h2']);
  });

  test('admits enrolled sites only', async () => {
    const table = createSiteTable(database);
    expect(await table.admit('basel')).toBe(false);
    await table.addInvitation({ secretHash: 'h', site: 'basel', expiresAtMillis: 9, usedByKey: null });
    await table.enrol(site, 'h');
    expect(await table.admit('basel')).toBe(true);
    expect(await table.findSite('basel')).toMatchObject({ status: 'admitted' });
  });
});

function swapEvents(a: number, b: number): string {
  const move = (from: number, to: number) => `UPDATE events SET seq = ${to} WHERE seq = ${from};`;
  return move(a, -1) + move(b, a) + move(-1, b);
}
