/**
 * The coordinator's database: SQLite in its state folder, or PostgreSQL. What a write was for may be acknowledged once the
 * write has returned: it is on the disk then, in either.
 */
import type { Kysely } from 'kysely';
import type { DatabasePlace } from './database-place.ts';
import { openPostgresql } from './postgresql/open-postgresql.ts';
import { openSqlite } from './sqlite/open-sqlite.ts';
import type { Tables } from './tables.ts';

export interface Database {
  /** PostgreSQL has many writers at once: who reads in order to write locks the rows there. */
  readonly kind: 'sqlite' | 'postgresql';
  readonly tables: Kysely<Tables>;
  /**
   * All of what `write` writes becomes durable, or nothing. It must use the tables that it is given.
   *
   * @throws {DatabaseUnavailableError} when the connection was lost: whether the transaction was kept is not known then.
   */
  transaction<Result>(write: (tables: Kysely<Tables>) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens the database and brings it to this program's version.
 *
 * @throws {DatabaseVersionError | DatabaseUnavailableError | DatabaseSettingsError | SyntaxError}
 */
export async function openDatabase(place: DatabasePlace): Promise<Database> {
  return place.kind === 'sqlite' ? openSqlite(place) : openPostgresql(place);
}

/**
 * Opens the database beside a running coordinator, to look and not to touch.
 *
 * @throws {DatabaseVersionError | DatabaseUnavailableError | DatabaseSettingsError | SyntaxError}
 */
export async function openDatabaseForReading(place: DatabasePlace): Promise<Database> {
  return place.kind === 'sqlite' ? openSqlite(place, { readOnly: true }) : openPostgresql(place, { readOnly: true });
}
