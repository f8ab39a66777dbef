/**
 * The coordinator's SQLite file. `synchronous=FULL` in WAL mode: what was committed survives a power loss, so an
 * acknowledgement may follow the commit.
 */
import { DatabaseSync } from 'node:sqlite';

/** The file was written by a newer Wardround, or is no coordinator's database. */
export class DatabaseVersionError extends Error {
  override readonly name = 'DatabaseVersionError';
}

/** Step n brings a database of version n to version n + 1. Steps are only ever added. */
const migrations = [
  `CREATE TABLE events (
     study TEXT NOT NULL,
     seq INTEGER NOT NULL,
     event TEXT NOT NULL,
     hash TEXT NOT NULL,
     PRIMARY KEY (study, seq)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE sites (
     site TEXT PRIMARY KEY,
     signing_key TEXT NOT NULL,
     sealing_key TEXT NOT NULL,
     status TEXT NOT NULL CHECK (status IN ('pending', 'admitted')),
     enrolled_at_millis INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE invitations (
     secret_hash TEXT PRIMARY KEY,
     site TEXT NOT NULL,
     expires_at_millis INTEGER NOT NULL,
     used_by_key TEXT
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE nonces (
     signer TEXT NOT NULL,
     nonce TEXT NOT NULL,
     expires_at_millis INTEGER NOT NULL,
     PRIMARY KEY (signer, nonce)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX nonces_by_expiry ON nonces (expires_at_millis);`,
  `CREATE TABLE sites_2 (
     site TEXT PRIMARY KEY,
     signing_key TEXT NOT NULL,
     sealing_key TEXT NOT NULL,
     status TEXT NOT NULL CHECK (status IN ('pending', 'admitted', 'revoked')),
     enrolled_at_millis INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   INSERT INTO sites_2 SELECT site, signing_key, sealing_key, status, enrolled_at_millis FROM sites;
   DROP TABLE sites;
   ALTER TABLE sites_2 RENAME TO sites;
   CREATE TABLE roster_epochs (epoch INTEGER PRIMARY KEY, signed TEXT NOT NULL) STRICT;
   CREATE TABLE roster_proposal (id INTEGER PRIMARY KEY CHECK (id = 1), proposal TEXT NOT NULL) STRICT;`,
];

/** @throws {DatabaseVersionError} when this version cannot use the file. */
export function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: 5000 });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
  migrate(database);
  return database;
}

/** Opens the file beside a running coordinator, to look and not to touch. */
export function openDatabaseForReading(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: 5000, readOnly: true });
  requireVersion(readVersion(database), { exactly: true });
  return database;
}

/** Runs `write` so that all of it becomes durable or nothing. */
export function inTransaction<Result>(database: DatabaseSync, write: () => Result): Result {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = write();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function migrate(database: DatabaseSync): void {
  const version = readVersion(database);
  requireVersion(version, { exactly: false });
  migrations.slice(version).forEach((step, index) => {
    inTransaction(database, () => database.exec(`${step} PRAGMA user_version = ${version + index + 1}`));
  });
}

function readVersion(database: DatabaseSync): number {
  const row = database.prepare('PRAGMA user_version').get();
  return Number(row?.['user_version'] ?? 0);
}

function requireVersion(version: number, { exactly }: { readonly exactly: boolean }): void {
  if (version <= migrations.length && !(exactly && version < migrations.length)) return;
  throw new DatabaseVersionError(
    `Cannot open the database: this coordinator knows version ${migrations.length}, found ${version}. ` +
      'Use the version of Wardround that wrote the state folder, or a newer one.',
  );
}
