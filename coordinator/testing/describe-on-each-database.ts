/** The same tests over both databases: SQLite always, PostgreSQL when the tests are run with DATABASE_URL. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { afterEach, beforeEach, describe } from 'vitest';
import type { Database } from '../storage/database.ts';
import { type DatabasePlace, databasePlace } from '../storage/database-place.ts';
import { openDatabase } from '../storage/open-database.ts';

export interface TestDatabase {
  readonly kind: Database['kind'];
  /** As DATABASE_URL of a coordinator; null for SQLite. Each test has a namespace of its own. */
  url(): string | null;
  place(): DatabasePlace;
  /** Opens it once more, until the end of the test. */
  open(): Promise<Database>;
  /** For a writer beside the first: another client of PostgreSQL; the first one's own with SQLite, where one process writes. */
  openBeside(first: Database): Promise<Database>;
}

/** vitest.config.ts takes it out of DATABASE_URL. */
const server = process.env['TEST_DATABASE_URL'] ?? '';

export function describeOnEachDatabase(name: string, suite: (database: TestDatabase) => void): void {
  describe(`${name} on SQLite`, () => suite(createTestDatabase('sqlite')));
  describeOnPostgresql(name, suite);
}

/** For what SQLite has no counterpart to. */
export function describeOnPostgresql(name: string, suite: (database: TestDatabase) => void): void {
  if (server !== '') {
    describe(`${name} on PostgreSQL`, () => suite(createTestDatabase('postgresql')));
    return;
  }
  const reason = 'DATABASE_URL is not set';
  console.warn(`${name} on PostgreSQL: skipped, ${reason}`);
  describe.skip(`${name} on PostgreSQL (${reason})`, () => suite(createTestDatabase('postgresql')));
}

function createTestDatabase(kind: Database['kind']): TestDatabase {
  let folder: string;
  let namespace: string;
  const opened: Database[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'database-'));
    namespace = `test_${randomBytes(8).toString('hex')}`;
  });
  afterEach(async () => {
    for (const database of opened.splice(0)) await database.close();
    await rm(folder, { recursive: true });
    if (kind === 'postgresql') await dropNamespace(namespace);
  });

  const url = (): string | null =>
    kind === 'sqlite' ? null : `${server}${server.includes('?') ? '&' : '?'}schema=${namespace}`;
  const place = (): DatabasePlace => databasePlace(path.join(folder, 'coordinator.sqlite'), url());
  const open = async (): Promise<Database> => {
    const database = await openDatabase(place());
    opened.push(database);
    return database;
  };
  const openBeside = async (first: Database): Promise<Database> => (kind === 'sqlite' ? first : open());
  return { kind, url, place, open, openBeside };
}

async function dropNamespace(namespace: string): Promise<void> {
  const client = new Client({ connectionString: server });
  await client.connect();
  await client.query(`DROP SCHEMA IF EXISTS ${namespace} CASCADE`);
  await client.end();
}
