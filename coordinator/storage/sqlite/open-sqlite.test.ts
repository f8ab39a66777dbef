import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DatabaseUnavailableError } from '../database-errors.ts';
import { createSiteTable } from '../site-table.ts';
import { openSqlite } from './open-sqlite.ts';
import { sqliteMigrations } from './sqlite-migrations.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sqlite-'));
  file = path.join(folder, 'coordinator.sqlite');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('openSqlite()', () => {
  test.each(
    sqliteMigrations.slice(1).map((_, index) => index + 1),
  )('opens a file of version %i and keeps what it holds', async (version) => {
    const old = new DatabaseSync(file);
    old.exec(`${sqliteMigrations.slice(0, version).join('\n')} PRAGMA user_version = ${version}`);
    old.exec("INSERT INTO sites VALUES ('basel', 'k', 's', 'admitted', 1)");
    old.close();
    await using database = openSqlite({ kind: 'sqlite', file });
    const site = { site: 'basel', signingKey: 'k', sealingKey: 's', status: 'admitted', enrolledAtMillis: 1 };
    expect(await createSiteTable(database).sites()).toEqual([site]);
    expect(await createSiteTable(database).revoke('basel')).toBe(true);
  });

  test('takes the lock at the beginning of a transaction', async () => {
    await using database = openSqlite({ kind: 'sqlite', file });
    const other = new DatabaseSync(file, { timeout: 0 });
    await database.transaction(async () => expect(() => other.exec('BEGIN IMMEDIATE')).toThrow(/locked/));
    other.close();
  });

  test('asks to come again while another program keeps the file locked', async () => {
    await using database = openSqlite({ kind: 'sqlite', file });
    const write = () => database.transaction((tables) => tables.deleteFrom('nonces').execute());
    await sql`PRAGMA busy_timeout = 0`.execute(database.tables);
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    await expect(write()).rejects.toThrow(DatabaseUnavailableError);
    other.exec('ROLLBACK');
    other.close();
    await write();
  });

  test('says why a transaction failed that SQLite has ended itself', async () => {
    await using database = openSqlite({ kind: 'sqlite', file });
    const { tables } = database;
    const failing = database.transaction(async (written) => {
      const lease = { name: 'a', holder: null, epoch: 1, expires_at_millis: 0 };
      await written.insertInto('leases').values(lease).execute();
      await sql`INSERT OR ROLLBACK INTO leases VALUES ('a', NULL, 2, 0)`.execute(written);
    });
    await expect(failing).rejects.toThrow(/UNIQUE/);
    expect(await tables.selectFrom('leases').selectAll().execute()).toEqual([]);
  });

  test('closes a file that nobody asked anything', async () => {
    await openSqlite({ kind: 'sqlite', file }).close();
    const other = new DatabaseSync(file, { timeout: 0 });
    other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT');
    other.close();
  });
});
