import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CoordinatorRefusedError, CoordinatorUnreachableError } from '../../link/errors.ts';
import { keepPlace, readPlace } from '../../state/kept-place.ts';
import { keepSession, readKeptSession, vectorFile } from '../../state/kept-session.ts';
import { forgetEndedStudies } from './forget-ended-studies.ts';

const [ended, goingOn, unknown] = [sha256Hex('ended'), sha256Hex('going on'), sha256Hex('unknown')];
const model = sha256Hex('model');
let folder = '';
let asked: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wardround-ended-'));
  asked = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const link = {
  async studyStanding(study: string) {
    asked.push(study);
    if (study === unknown)
      throw new CoordinatorRefusedError({ status: 404, code: 'wrong-study', explanation: 'There is no such study.' });
    return { isOver: study === ended };
  },
};
const forget = (over: Parameters<typeof forgetEndedStudies>[1]['link'] = link) =>
  forgetEndedStudies(folder, { link: over, signal: new AbortController().signal });

/** A trained vector that waits for its session, and the place of the stage after it. */
async function keep(study: string) {
  const figures = { loss: 1, steps: 1, samples: 1, seconds: 1 };
  const session = { study, stage: 'slices', round: 2, model, figures, hasVector: true, party: null, masked: null };
  await keepSession(folder, session);
  await writeFile(await vectorFile(folder, { study, stage: 'slices' }), 'vector');
  await keepPlace(folder, placed(study), { steps: 1, optimisers: {}, sums: {}, secret: null });
  await mkdir(join(folder, 'models', `${study}-slices`), { recursive: true });
  await writeFile(join(folder, 'models', `${study}-slices`, model), 'weights');
}
const placed = (study: string) => ({
  ...{ study, stage: 'alignment', round: 1, model, sliceEncoder: null, local: null, data: model },
});
const keptOf = async (study: string) => ({
  vectors: (await readdir(join(folder, 'sessions'))).filter(
    (name) => name.startsWith(study) && name.endsWith('.vector'),
  ),
  session: await readKeptSession(folder, { study, stage: 'slices' }),
  place: await readPlace(folder, placed(study)),
  models: (await readdir(join(folder, 'models'))).filter((name) => name.startsWith(study)),
});

describe('forgetEndedStudies()', () => {
  test('removes vectors, places and weights of studies that are over, remembers their rounds, and asks no second time', async () => {
    for (const study of [ended, goingOn, unknown]) await keep(study);
    await forget();
    expect(await keptOf(ended)).toEqual({
      vectors: [],
      session: expect.objectContaining({ round: 2, hasVector: false }),
      place: null,
      models: [],
    });
    for (const study of [goingOn, unknown]) {
      const { vectors, session, place, models } = await keptOf(study);
      expect([vectors.length, session?.hasVector, place?.steps, models.length]).toEqual([1, true, 1, 1]);
    }
    asked = [];
    await forget();
    expect(asked.sort()).toEqual([goingOn, unknown].sort());
  });

  test('removes nothing when the coordinator cannot be reached', async () => {
    await keep(ended);
    const gone = new CoordinatorUnreachableError('The connection broke.');
    await expect(forget({ studyStanding: () => Promise.reject(gone) })).rejects.toBe(gone);
    expect((await keptOf(ended)).vectors).toHaveLength(1);
  });

  test('asks nothing where nothing is kept', async () => {
    await forget();
    expect(asked).toEqual([]);
  });
});
