import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { DatabaseUnavailableError } from '@wardround/coordinator/storage/database-errors.ts';
import { databasePlace } from '@wardround/coordinator/storage/database-place.ts';
import { openDatabase } from '@wardround/coordinator/storage/open-database.ts';
import { describe, expect, test } from 'vitest';

const script = path.join(import.meta.dirname, 'start-postgresql.sh');
const run = async (...words: readonly string[]): Promise<string> =>
  (await promisify(execFile)(script, words)).stdout.trim();
const isInstalled = await run('--find').then(
  () => true,
  () => false,
);
if (!isInstalled) console.warn('start-postgresql.sh: skipped, the server programs of PostgreSQL are not installed');

describe('start-postgresql.sh', () => {
  test.skipIf(!isInstalled)('starts a server that the coordinator takes, stops it and starts it again', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'postgresql-'));
    const seen = { signer: 'basel', nonce: 'n', expires_at_millis: 1 };
    try {
      const url = await run(directory);
      expect(await run(directory)).toBe(url);
      await using database = await openDatabase(databasePlace('', url));
      await database.tables.insertInto('nonces').values(seen).execute();
      await run('--stop', directory);
      await expect(openDatabase(databasePlace('', url))).rejects.toThrow(DatabaseUnavailableError);
      await using again = await openDatabase(databasePlace('', await run(directory)));
      expect(await again.tables.selectFrom('nonces').selectAll().execute()).toEqual([seen]);
    } finally {
      await run('--stop', directory).catch(() => undefined);
      await rm(directory, { recursive: true });
    }
  });

  test('says how it is used', async () => {
    for (const words of [[], ['--bad'], ['--stop']]) await expect(run(...words)).rejects.toThrow(/Usage/);
  });
});
