import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type CheckpointFolder, openCheckpointFolder } from './checkpoint-folder.ts';

let folder: string;
let checkpoints: CheckpointFolder;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'checkpoints-'));
  checkpoints = await openCheckpointFolder(folder);
});
afterEach(() => rm(folder, { recursive: true }));

describe('openCheckpointFolder()', () => {
  test('gives notes in the order of their sizes', async () => {
    for (const size of [10, 9, 100]) await checkpoints.put(size, `note ${size}`);
    expect(await checkpoints.sizes()).toEqual([9, 10, 100]);
    expect(await checkpoints.notes()).toEqual(['note 9', 'note 10', 'note 100']);
  });

  test('takes no notice of a draft, such as a coordinator leaves that was killed while it wrote one', async () => {
    await checkpoints.put(9, 'note 9');
    await writeFile(path.join(folder, 'checkpoints', '12.note.part'), 'no');
    expect(await checkpoints.sizes()).toEqual([9]);
    expect(await checkpoints.notes()).toEqual(['note 9']);
  });
});
