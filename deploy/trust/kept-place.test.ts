/** A training thread that is killed in the middle of a round: the next one goes on from its place to the same vector. */
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTrainer } from '@wardround/client/training/trainer.ts';
import type { TaskProgress, TrainTask } from '@wardround/client/training/worker-messages.ts';
import { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { initialStageWeights } from '@wardround/protocols/study/stage-layout.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { expect, onTestFinished, test } from 'vitest';
import { defaultHospitals } from '../demo/hospitals/default-hospitals.ts';
import { writeHospitals } from '../demo/hospitals/write-hospitals.ts';

test('goes on after it was killed, and gives the vector of the training that was not', {
  timeout: 180_000,
}, async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'kept-place-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const data = path.join(folder, 'data');
  const sites = defaultHospitals.slice(0, 1);
  const [site] = (await writeHospitals({ directory: data, seed: 5, patientsPerSite: 16, sites })).sites;
  const base = smallPlan();
  const plan = StudyPlan.parse({
    ...base,
    stages: base.stages.map((stage) => ({ ...stage, batch: 8, localEpochs: 1, maximumLocalSteps: 6 })),
  });
  const stage = plan.stages[0]!;
  const weights = littleEndianBytes(initialStageWeights(plan, stage));
  const file = path.join(folder, 'model');
  await writeFile(file, weights);
  const open = () =>
    createTrainer({
      dataDirectory: path.join(data, site!.name),
      cacheDirectory: path.join(folder, 'cache'),
      engines: ['wasm'],
      threads: 1,
      placeInterval: { everyMillis: Number.POSITIVE_INFINITY, everySteps: 2 },
    });
  const taskOf = (name: string, placeFolder?: string): TrainTask => ({
    ...{ kind: 'train', plan, stage: stage.name, round: 1, sites: 3, sliceEncoder: null, local: null },
    model: { hash: sha256Hex(weights), file },
    sealing: { recipientSealingKey: publicKeys(generateIdentity()).sealingKey, context: 'test' },
    outbox: path.join(folder, 'outbox'),
    keepVector: path.join(folder, name),
    placeFolder,
  });
  const { signal } = new AbortController();
  const steps = (of: TaskProgress[]) => of.filter(({ activity }) => activity === 'training').map(({ done }) => done);

  const whole = open();
  const figures = (await whole.run(taskOf('whole'), { signal, onProgress: () => undefined })).figures;
  await whole.close();
  expect(figures.steps).toBeGreaterThan(3);

  const killed = open();
  const killedRun = killed.run(taskOf('resumed', folder), {
    signal,
    onProgress: ({ activity, done }) => {
      if (activity === 'training' && done >= 3) void killed.close();
    },
  });
  await expect(killedRun).rejects.toThrow('its thread ended unexpectedly');
  expect(await readdir(path.join(folder, 'training'))).toHaveLength(1);

  const resumed = open();
  const progress: TaskProgress[] = [];
  const trained = await resumed.run(taskOf('resumed', folder), { signal, onProgress: (one) => progress.push(one) });
  await resumed.close();
  expect(steps(progress)[0]).toBeGreaterThanOrEqual(2);
  expect((await readFile(path.join(folder, 'resumed'))).equals(await readFile(path.join(folder, 'whole')))).toBe(true);
  expect({ ...trained.figures, seconds: 0 }).toEqual({ ...figures, seconds: 0 });
});
