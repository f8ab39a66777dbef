import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { namesIn } from './names-in.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'names-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('namesIn()', () => {
  test('names what is there, and nothing where there is no folder', async () => {
    await mkdir(join(folder, 'one'));
    expect(await namesIn(folder)).toEqual(['one']);
    expect(await namesIn(join(folder, 'two'))).toEqual([]);
  });

  test('takes no other trouble for an empty folder', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(namesIn(join(folder, 'file'))).rejects.toThrow('ENOTDIR');
  });
});
