/**
 * The coordinator's SQLite file. `synchronous=FULL` in WAL mode: what was committed survives a power loss, so an
 * acknowledgement may follow the commit.
 */
import { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import type { Database } from '../database.ts';
import { requireVersion } from '../database-errors.ts';
import type { SqlitePlace } from '../database-place.ts';
import type { Tables } from '../tables.ts';
import { sqliteDialect } from './sqlite-dialect.ts';
import { sqliteMigrations } from './sqlite-migrations.ts';

/** How long a statement waits for another process that writes. */
const lockTimeoutMillis = 5000;

/** @throws {DatabaseVersionError} when this version cannot use the file. */
export function openSqlite({ file }: SqlitePlace, { readOnly = false }: { readOnly?: boolean } = {}): Database {
  const database = new DatabaseSync(file, { timeout: lockTimeoutMillis, readOnly });
  try {
    if (readOnly) {
      requireVersion(readVersion(database), { known: sqliteMigrations.length, exactly: true });
    } else {
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
      migrate(database);
    }
  } catch (error) {
    database.close();
    throw error;
  }
  const tables = new Kysely<Tables>({ dialect: sqliteDialect(database) });
  const close = async (): Promise<void> => {
    await tables.destroy();
    // What nobody asked anything is not Kysely's to close.
    if (database.isOpen) database.close();
  };
  return {
    kind: 'sqlite',
    tables,
    transaction: (write) => tables.transaction().execute(write),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function migrate(database: DatabaseSync): void {
  const version = readVersion(database);
  requireVersion(version, { known: sqliteMigrations.length, exactly: false });
  sqliteMigrations.slice(version).forEach((step, index) => {
    database.exec('BEGIN IMMEDIATE');
    try {
      database.exec(`${step} PRAGMA user_version = ${version + index + 1}; COMMIT`);
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  });
}

function readVersion(database: DatabaseSync): number {
  const row = database.prepare('PRAGMA user_version').get();
  return Number(row?.['user_version'] ?? 0);
}
