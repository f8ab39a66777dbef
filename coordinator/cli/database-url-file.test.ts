import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { databaseUrl } from './database-url.ts';
import { UsageError } from './exit-codes.ts';

afterEach(() => vi.unstubAllEnvs());

test('databaseUrl() reads the file that DATABASE_URL_FILE names, unless DATABASE_URL says it', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'secret-'));
  const file = path.join(folder, 'database-url');
  vi.stubEnv('DATABASE_URL', '');
  expect(databaseUrl()).toBeNull();
  vi.stubEnv('DATABASE_URL_FILE', file);
  expect(databaseUrl).toThrow(UsageError);
  await writeFile(file, '\n');
  expect(databaseUrl).toThrow(/empty/);
  await writeFile(file, 'postgresql://u:p@db/wardround\n');
  expect(databaseUrl()).toBe('postgresql://u:p@db/wardround');
  vi.stubEnv('DATABASE_URL', 'postgresql://other/wardround');
  expect(databaseUrl()).toBe('postgresql://other/wardround');
  await rm(folder, { recursive: true });
});
