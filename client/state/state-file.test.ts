import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { DamagedStateError, readStateFile, type StateFile, writeStateFile } from './state-file.ts';

const FILE: StateFile<{ count: number }> = {
  name: 'inner/count.json',
  schema: z.strictObject({ count: z.int() }),
  remedy: 'Count again.',
};
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardround-state-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('writeStateFile() and readStateFile()', () => {
  test('keep a value, readable by its owner alone, and leave nothing else behind', async () => {
    expect(await readStateFile(folder, FILE)).toBeNull();
    await writeStateFile(folder, FILE, { count: 1 });
    await writeStateFile(folder, FILE, { count: 2 });
    expect(await readStateFile(folder, FILE)).toEqual({ count: 2 });
    expect(await readdir(join(folder, 'inner'))).toEqual(['count.json']);
    expect((await stat(join(folder, FILE.name))).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'inner'))).mode & 0o777).toBe(0o700);
  });

  test.each([
    ['nothing', ''],
    ['half a value', '{"count": 1'],
    ['a wrong type', '{"count": "canary-7731"}'],
    ['a surplus field', '{"count": 1, "canary-7731": 2}'],
    ['zero bytes', '\0\0\0\0'],
  ])('say what to do about a file that holds %s, without repeating it', async (_, content) => {
    await writeStateFile(folder, FILE, { count: 1 });
    await writeFile(join(folder, FILE.name), content);
    const reading = readStateFile(folder, FILE);
    await expect(reading).rejects.toThrow(DamagedStateError);
    await expect(reading).rejects.toThrow(/inner\/count\.json.*Count again\.$/);
    await expect(reading).rejects.not.toThrow('canary');
    await expect(reading).rejects.not.toThrow(folder);
  });

  test('refuse to write what they could not read back', async () => {
    await expect(writeStateFile(folder, FILE, { count: 1.5 })).rejects.toThrow();
    expect(await readFile(join(folder, FILE.name)).catch(() => 'absent')).toBe('absent');
  });
});
