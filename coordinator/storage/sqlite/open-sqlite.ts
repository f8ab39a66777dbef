/**
 * The coordinator's SQLite file. `synchronous=FULL` in WAL mode: what was committed survives a power loss, so an
 * acknowledgement may follow the commit.
 */
import { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import type { Database } from '../database.ts';
import { DatabaseDamagedError, requireVersion } from '../database-errors.ts';
import type { SqlitePlace } from '../database-place.ts';
import type { Tables } from '../tables.ts';
import { sqliteDialect } from './sqlite-dialect.ts';
import { sqliteMigrations } from './sqlite-migrations.ts';

/** How long a statement waits for another process that writes. */
const lockTimeoutMillis = 5000;

/** SQLITE_CORRUPT and SQLITE_NOTADB; SQLITE_ERROR is what a header of another format gives. */
const DAMAGED = new Set([1, 11, 26]);

/** @throws {DatabaseVersionError | DatabaseDamagedError} when this version cannot use the file, or nothing can. */
export function openSqlite({ file }: SqlitePlace, { readOnly = false }: { readOnly?: boolean } = {}): Database {
  const database = new DatabaseSync(file, { timeout: lockTimeoutMillis, readOnly });
  try {
    if (readOnly) {
      requireVersion(readVersion(database), { known: sqliteMigrations.length, exactly: true });
    } else {
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
      requireUndamaged(database);
      migrate(database);
    }
  } catch (error) {
    database.close();
    // The low byte is the code that the finer ones refine.
    throw DAMAGED.has(((error as { errcode?: number }).errcode ?? 0) & 0xff) ? damaged() : error;
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

/** Reads every page, so that damage is found before anything is built on what is whole. */
function requireUndamaged(database: DatabaseSync): void {
  const row = database.prepare('PRAGMA integrity_check(1)').get();
  if (row?.['integrity_check'] !== 'ok') throw damaged();
}

function damaged(): DatabaseDamagedError {
  return new DatabaseDamagedError(
    'Cannot open the database: its file is damaged, and nothing was changed. Restore the whole state folder from one backup; ' +
      'its parts must belong together.',
  );
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
