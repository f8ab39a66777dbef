/** Kysely's SQLite over Node's own: the same statements are prepared once, and a transaction takes its lock at its beginning. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
} from 'kysely';
import { DatabaseUnavailableError } from '../database-errors.ts';

const SQLITE_BUSY = 5;

/** How many prepared statements are kept. */
const keptStatements = 200;

export function sqliteDialect(database: DatabaseSync): Dialect {
  const config = { database: { prepare: prepareOnce(database), close: () => database.close() } };
  const dialect = new SqliteDialect(config);
  return {
    createAdapter: () => dialect.createAdapter(),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createIntrospector: (tables) => dialect.createIntrospector(tables),
    createDriver: () => new ImmediateDriver(config, database),
  };
}

class ImmediateDriver extends SqliteDriver {
  readonly #database: DatabaseSync;

  constructor(config: SqliteDialectConfig, database: DatabaseSync) {
    super(config);
    this.#database = database;
  }

  /** A lock that were only taken at the first write could be refused in the middle, when another writer was faster. */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  /** SQLite ends a transaction itself when the disk is full; the cause must not be hidden by a second rollback's failure. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#database.isTransaction) await connection.executeQuery(CompiledQuery.raw('rollback'));
  }
}

function prepareOnce(database: DatabaseSync) {
  const kept = new Map<string, ReturnType<typeof adapt>>();
  return (sql: string) => {
    const known = kept.get(sql);
    if (known !== undefined) return known;
    const statement = adapt(database.prepare(sql));
    const [oldest] = kept.keys();
    if (kept.size >= keptStatements && oldest !== undefined) kept.delete(oldest);
    kept.set(sql, statement);
    return statement;
  };
}

function adapt(statement: StatementSync) {
  const values = (parameters: readonly unknown[]) => parameters as readonly SQLInputValue[];
  return {
    reader: statement.columns().length > 0,
    all: (parameters: readonly unknown[]) => translated(() => statement.all(...values(parameters))),
    run: (parameters: readonly unknown[]) => translated(() => statement.run(...values(parameters))),
    iterate: (parameters: readonly unknown[]) => statement.iterate(...values(parameters)),
  };
}

/** SQLite's own waiting time is over then. */
function translated<Result>(task: () => Result): Result {
  try {
    return task();
  } catch (error) {
    // The low byte of an extended code is its class.
    const code = Number((error as { readonly errcode?: number }).errcode ?? 0) & 0xff;
    if (code !== SQLITE_BUSY) throw error;
    throw new DatabaseUnavailableError(
      'Cannot use the database: another program keeps it locked. Nothing was acknowledged; ask again when that program is done.',
    );
  }
}
