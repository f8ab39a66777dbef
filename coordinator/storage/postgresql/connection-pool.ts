/** Connections to PostgreSQL: each has time limits and is checked to make commits durable before it is used. */
import { type ClientBase, Pool, type PoolConfig, Client as PostgresqlClient, types } from 'pg';
import { DatabaseSettingsError } from '../database-errors.ts';

const connectionTimeoutMillis = 5000;
/** What PostgreSQL ends by itself. */
const lockTimeoutMillis = 10_000;
const statementTimeoutMillis = 30_000;
/** What is given up here: PostgreSQL would have answered, so the network does not. */
const queryTimeoutMillis = 40_000;
const mostConnections = 8;

const BIGINT = 20;

/** @throws {SyntaxError} when the URL cannot be understood. */
export function createConnectionPool(url: string, { readOnly }: { readonly readOnly: boolean }): Pool {
  const config: PoolConfig = {
    connectionString: url,
    max: mostConnections,
    application_name: 'wardround-coordinator',
    keepAlive: true,
    connectionTimeoutMillis,
    lock_timeout: lockTimeoutMillis,
    statement_timeout: statementTimeoutMillis,
    idle_in_transaction_session_timeout: statementTimeoutMillis,
    query_timeout: queryTimeoutMillis,
    types: { getTypeParser: readNumbers },
    onConnect: (client) => prepare(client, { readOnly }),
  };
  requireUnderstood(config);
  const pool = new Pool(config);
  // A connection that is lost while nobody uses it is replaced at the next use; without listeners it would end the process.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** @throws {DatabaseSettingsError} when a commit could be acknowledged and then lost. */
async function prepare(client: ClientBase, { readOnly }: { readonly readOnly: boolean }): Promise<void> {
  if (readOnly) {
    await client.query('SET default_transaction_read_only = on');
    return;
  }
  const { rows } = await client.query(
    "SELECT current_setting('synchronous_commit') AS synchronous_commit, current_setting('fsync') AS fsync",
  );
  const { synchronous_commit: commit, fsync } = rows[0] as { readonly synchronous_commit: string; fsync: string };
  if (fsync === 'on' && (commit === 'on' || commit === 'remote_apply')) return;
  throw new DatabaseSettingsError(
    `Cannot use the database: a commit must be on the disk when it returns, found synchronous_commit=${commit} and fsync=${fsync}. ` +
      'Set both to on in postgresql.conf, for this user and in DATABASE_URL.',
  );
}

/** Counts and times stay far below 2^53, so numbers are numbers here. */
const readNumbers: typeof types.getTypeParser = (...wanted: Parameters<typeof types.getTypeParser>) =>
  Number(wanted[0]) === BIGINT ? toSafeInteger : types.getTypeParser(...wanted);

function toSafeInteger(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new RangeError('Cannot read a number of the database: needed one below 2^53');
}

/** The driver parses the URL at the first connection only, and its error may hold all of it. */
function requireUnderstood(config: PoolConfig): void {
  try {
    new PostgresqlClient(config);
  } catch {
    throw new SyntaxError(
      'Cannot use DATABASE_URL: it cannot be understood, or a file that it names cannot be read. ' +
        'Needed postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with signs like @ or / in the password percent-encoded.',
    );
  }
}
