/** Kysely's PostgreSQL with errors in this program's own classes. */
import { type DatabaseConnection, type Dialect, PostgresDialect, PostgresDriver } from 'kysely';
import type { Pool } from 'pg';
import { translateError } from './translate-error.ts';

export function postgresqlDialect(pool: Pool): Dialect {
  const dialect = new PostgresDialect({ pool });
  return {
    createAdapter: () => dialect.createAdapter(),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createIntrospector: (tables) => dialect.createIntrospector(tables),
    createDriver: () => new TranslatingDriver({ pool }),
  };
}

class TranslatingDriver extends PostgresDriver {
  readonly #translated = new WeakSet<DatabaseConnection>();

  override async acquireConnection(
    ...options: Parameters<PostgresDriver['acquireConnection']>
  ): Promise<DatabaseConnection> {
    const connection = await super.acquireConnection(...options).catch(rethrow);
    if (!this.#translated.has(connection)) {
      const execute = connection.executeQuery.bind(connection);
      connection.executeQuery = (...query) => execute<never>(...query).catch(rethrow);
      this.#translated.add(connection);
    }
    return connection;
  }
}

function rethrow(error: unknown): never {
  throw translateError(error);
}
