/** Opens the coordinator's database, whichever it is. */
import type { Database } from './database.ts';
import type { DatabasePlace } from './database-place.ts';
import { openPostgresql } from './postgresql/open-postgresql.ts';
import { openSqlite } from './sqlite/open-sqlite.ts';

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
