import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { readSlowly } from './read-slowly.ts';

test('readSlowly() gives the whole file no faster than it may', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slowly-'));
  const content = Buffer.from(Array.from({ length: 40_000 }, (_, index) => index & 255));
  await writeFile(join(folder, 'file'), content);
  const startMillis = performance.now();
  expect(await buffer(readSlowly(join(folder, 'file'), 100_000))).toEqual(content);
  expect(performance.now() - startMillis).toBeGreaterThan(390);
  await rm(folder, { recursive: true });
});
