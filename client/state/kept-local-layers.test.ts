import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readLocalLayers, writeLocalLayers } from './kept-local-layers.ts';
import { DamagedStateError } from './state-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardround-layers-'));
});
afterEach(() => rm(folder, { recursive: true }));

const place = { study: 'a'.repeat(64), stage: 'alignment' };
const layersOf = (round: number) => ({ clinical: Float32Array.of(round, 0.1), expression: null });
const write = (round: number) => writeLocalLayers(folder, { ...place, round, layers: layersOf(round) });
const read = (beforeRound: number) => readLocalLayers(folder, { ...place, beforeRound });

describe('readLocalLayers() and writeLocalLayers()', () => {
  test('give the layers from before a round, also when that round was trained already', async () => {
    expect(await read(1)).toBeNull();
    await write(1);
    await write(2);
    expect(await read(1)).toBeNull();
    expect(await read(2)).toEqual(layersOf(1));
    expect(await read(3)).toEqual(layersOf(2));
    expect(await read(Number.POSITIVE_INFINITY)).toEqual(layersOf(2));
  });

  test('keep two rounds, and none from beyond the one trained last', async () => {
    for (const round of [1, 2, 3, 7, 4]) await write(round);
    const kept = await readdir(join(folder, 'local-layers', place.study, place.stage));
    expect(kept.sort()).toEqual(['3.safetensors', '4.safetensors']);
  });

  test('keep studies and stages apart', async () => {
    await write(1);
    expect(await readLocalLayers(folder, { ...place, stage: 'other', beforeRound: 9 })).toBeNull();
    expect(await readLocalLayers(folder, { ...place, study: 'b'.repeat(64), beforeRound: 9 })).toBeNull();
  });

  test('say what to do about a damaged file', async () => {
    await write(1);
    await writeFile(join(folder, 'local-layers', place.study, place.stage, '1.safetensors'), 'garbage');
    await expect(read(2)).rejects.toThrow(DamagedStateError);
  });
});
