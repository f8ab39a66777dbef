import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeWorkFolder } from './work-folder.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'work-folder-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('makeWorkFolder() removes what a run that is gone has left, and nothing else', async () => {
  const { pid: gone } = spawnSync(process.execPath, ['--version']);
  const kept = [`.work-${process.ppid}-running`, '.work-mine', 'report.html'];
  for (const name of [`.work-${gone}-abcdef`, ...kept])
    await mkdir(path.join(folder, name, 'site'), { recursive: true });
  const made = await makeWorkFolder(folder);
  expect((await readdir(folder)).sort()).toEqual([...kept, path.basename(made)].sort());
});
