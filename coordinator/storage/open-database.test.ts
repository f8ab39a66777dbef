import { DatabaseSync } from 'node:sqlite';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnEachDatabase } from '../testing/describe-on-each-database.ts';
import { DatabaseVersionError } from './database-errors.ts';
import type { DatabasePlace } from './database-place.ts';
import { openDatabase, openDatabaseForReading } from './open-database.ts';

describeOnEachDatabase('openDatabase()', (database) => {
  /** Writes another version into a database as a program of that version would have. */
  async function setVersion(place: DatabasePlace, version: number): Promise<void> {
    if (place.kind === 'sqlite') {
      const file = new DatabaseSync(place.file);
      file.exec(`PRAGMA user_version = ${version}`);
      file.close();
    } else {
      const { tables } = await database.open();
      await sql`UPDATE ${sql.id(place.namespace, 'schema_version')} SET version = ${version}`.execute(tables);
    }
  }

  test('makes commits durable', async () => {
    const { tables } = await database.open();
    const shown = async (text: string) => (await sql.raw<Record<string, unknown>>(text).execute(tables)).rows[0];
    if (database.kind === 'sqlite') {
      expect(await shown('PRAGMA journal_mode')).toEqual({ journal_mode: 'wal' });
      expect(await shown('PRAGMA synchronous')).toEqual({ synchronous: 2 });
    } else {
      expect(await shown('SHOW synchronous_commit')).toEqual({ synchronous_commit: 'on' });
      expect(await shown('SHOW fsync')).toEqual({ fsync: 'on' });
    }
  });

  test('refuses a database of a newer version', async () => {
    await database.open();
    await setVersion(database.place(), 99);
    await expect(openDatabase(database.place())).rejects.toThrow(DatabaseVersionError);
    await expect(openDatabaseForReading(database.place())).rejects.toThrow(DatabaseVersionError);
  });

  test('refuses to read a database of an older version, and one that holds nothing yet', async () => {
    await database.open();
    await setVersion(database.place(), 0);
    await expect(openDatabaseForReading(database.place())).rejects.toThrow(/found 0/);
  });

  test('can be read while it is written, and not written by a reader', async () => {
    const writer = await database.open();
    const site = {
      site: 'basel',
      signing_key: 'k',
      sealing_key: 's',
      status: 'admitted',
      enrolled_at_millis: 1,
    } as const;
    await writer.tables.insertInto('sites').values(site).execute();
    await using reader = await openDatabaseForReading(database.place());
    expect(await reader.tables.selectFrom('sites').selectAll().execute()).toEqual([site]);
    await expect(reader.tables.deleteFrom('sites').execute()).rejects.toThrow(/read-?only/);
  });

  test('lets several open it at the same time', async () => {
    const all = await Promise.all(Array.from({ length: 4 }, () => database.open()));
    for (const { tables } of all) expect(await tables.selectFrom('nonces').selectAll().execute()).toEqual([]);
  });

  test('keeps all of a transaction or nothing', async () => {
    const { tables, transaction } = await database.open();
    const row = (nonce: string) => ({ signer: 'basel', nonce, expires_at_millis: 2 ** 52 });
    const failing = transaction(async (written) => {
      await written.insertInto('nonces').values(row('n1')).execute();
      throw new RangeError('changed its mind');
    });
    await expect(failing).rejects.toThrow('changed its mind');
    await transaction(async (written) => void (await written.insertInto('nonces').values(row('n2')).execute()));
    expect(await tables.selectFrom('nonces').selectAll().execute()).toEqual([row('n2')]);
  });

  test('orders names byte by byte', async () => {
    const { tables } = await database.open();
    const names = ['b', 'B', 'a-b', 'aa', 'A'];
    for (const name of names) {
      await tables.insertInto('leases').values({ name, holder: null, epoch: 0, expires_at_millis: 0 }).execute();
    }
    const rows = await tables.selectFrom('leases').select('name').orderBy('name').execute();
    expect(rows.map(({ name }) => name)).toEqual(names.toSorted());
  });
});
