/** Opens the coordinator's database, whichever it is. */
import type { Database } from './database.ts';
import type { DatabasePlace } from './database-place.ts';
import { openSqlite } from './sqlite/open-sqlite.ts';

/**
 * Opens the database and brings it to this program's version.
 *
 * @throws {DatabaseVersionError | DatabaseUnavailableError | DatabaseSettingsError | SyntaxError}
 */
export async function openDatabase(place: DatabasePlace): Promise<Database> {
  return place.kind === 'sqlite' ? openSqlite(place) : (await postgresql()).openPostgresql(place);
}

/**
 * Opens the database beside a running coordinator, to look and not to touch.
 *
 * @throws {DatabaseVersionError | DatabaseUnavailableError | DatabaseSettingsError | SyntaxError}
 */
export async function openDatabaseForReading(place: DatabasePlace): Promise<Database> {
  if (place.kind === 'sqlite') return openSqlite(place, { readOnly: true });
  return (await postgresql()).openPostgresql(place, { readOnly: true });
}

/** Loaded where it is used: its client takes 6 MB. */
const postgresql = () => import('./postgresql/open-postgresql.ts');
