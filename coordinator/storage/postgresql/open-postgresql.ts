/** The coordinator's tables in a namespace of their own of a PostgreSQL database. */
import { Kysely, sql } from 'kysely';
import type { Database } from '../database.ts';
import { requireVersion } from '../database-errors.ts';
import type { PostgresqlPlace } from '../database-place.ts';
import type { Tables } from '../tables.ts';
import { createConnectionPool } from './connection-pool.ts';
import { postgresqlDialect } from './postgresql-dialect.ts';
import { postgresqlMigrations } from './postgresql-migrations.ts';

const known = postgresqlMigrations.length;

/** @throws {DatabaseVersionError | DatabaseUnavailableError | DatabaseSettingsError | SyntaxError} */
export async function openPostgresql(
  { url, namespace }: PostgresqlPlace,
  { readOnly = false }: { readOnly?: boolean } = {},
): Promise<Database> {
  const all = new Kysely<Tables>({ dialect: postgresqlDialect(createConnectionPool(url, { readOnly })) });
  try {
    if (readOnly) requireVersion(await readVersion(all, namespace), { known, exactly: true });
    else await all.transaction().execute((tables) => migrate(tables, namespace));
  } catch (error) {
    await all.destroy();
    throw error;
  }
  const close = (): Promise<void> => all.destroy();
  return {
    kind: 'postgresql',
    tables: all.withSchema(namespace),
    transaction: (write) => all.transaction().execute((tables) => write(tables.withSchema(namespace))),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Coordinators that start at the same time do this one after another. */
async function migrate(tables: Kysely<Tables>, namespace: string): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`wardround/${namespace}`}, 0))`.execute(tables);
  const version = await readVersion(tables, namespace);
  requireVersion(version, { known, exactly: false });
  if (version === known) return;
  const { rows } = await sql<{ exists: boolean }>`
    SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = ${namespace}) AS exists`.execute(tables);
  // Only where it is missing: a user who may not create one can be given one.
  if (rows[0]?.exists !== true) await sql`CREATE SCHEMA ${sql.id(namespace)}`.execute(tables);
  await sql`SET LOCAL search_path TO ${sql.id(namespace)}`.execute(tables);
  if (version === 0) await sql`CREATE TABLE schema_version (version BIGINT NOT NULL)`.execute(tables);
  for (const step of postgresqlMigrations.slice(version)) await sql.raw(step).execute(tables);
  await sql`DELETE FROM schema_version`.execute(tables);
  await sql`INSERT INTO schema_version VALUES (${known})`.execute(tables);
}

/** 0 where nothing is yet. */
async function readVersion(tables: Kysely<Tables>, namespace: string): Promise<number> {
  const { rows: found } = await sql<{ exists: boolean }>`
    SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = ${namespace} AND tablename = 'schema_version') AS exists
  `.execute(tables);
  if (found[0]?.exists !== true) return 0;
  const { rows } = await sql<{ version: number }>`
    SELECT version FROM ${sql.id(namespace, 'schema_version')}`.execute(tables);
  return rows[0]?.version ?? 0;
}
