/** Where the coordinator's database is: a file of the state folder, or a namespace of a PostgreSQL database. */

export interface SqlitePlace {
  readonly kind: 'sqlite';
  readonly file: string;
}

export interface PostgresqlPlace {
  readonly kind: 'postgresql';
  /** May hold a password: never shown. */
  readonly url: string;
  /** The schema that has the tables. */
  readonly namespace: string;
}

export type DatabasePlace = SqlitePlace | PostgresqlPlace;

const defaultNamespace = 'wardround';

/**
 * @param databaseUrl `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`; `?schema=NAME` names another namespace than
 *   `wardround`, for several coordinators in one database. Null for the file.
 * @throws {SyntaxError} when it is no such URL.
 */
export function databasePlace(file: string, databaseUrl: string | null): DatabasePlace {
  if (databaseUrl === null) return { kind: 'sqlite', file };
  const [address = '', query = ''] = databaseUrl.split(/\?(.*)/s);
  const parameters = new URLSearchParams(query);
  const namespace = parameters.get('schema') ?? defaultNamespace;
  parameters.delete('schema');
  if (!/^postgres(?:ql)?:\/\//.test(address)) {
    throw new SyntaxError(
      'Cannot use DATABASE_URL: needed postgresql://USER:PASSWORD@HOST:PORT/DATABASE. ' +
        'Its value is not shown here, because it may hold a password.',
    );
  }
  if (!/^(?!pg_)[a-z_][a-z0-9_]{0,62}$/.test(namespace)) {
    throw new SyntaxError(
      'Cannot use DATABASE_URL: its schema must be a name of small letters, digits and underscores that does not begin with pg_.',
    );
  }
  return { kind: 'postgresql', url: parameters.size === 0 ? address : `${address}?${parameters}`, namespace };
}
