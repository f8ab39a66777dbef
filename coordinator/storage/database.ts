/**
 * The coordinator's database: SQLite in its state folder, or PostgreSQL. What a write was for may be acknowledged once the
 * write has returned: it is on the disk then, in either.
 */
import type { Kysely } from 'kysely';
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
