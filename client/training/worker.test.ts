import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { stageLayout } from '@wardround/protocols/study/stage-layout.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTrainer, type Trainer } from './trainer.ts';
import type { TrainTask } from './worker-messages.ts';

const plan = StudyPlan.parse(smallPlan());
const quiet = { signal: new AbortController().signal, onProgress: () => undefined };
let parent: string;
let trainer: Trainer;

/** Names that must not be found anywhere outside the data. */
const canaries = ['canary-folder', 'canary-patient', 'canary-scan', 'canary-row', 'canary-note'];

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'canary-folder-'));
  const scans = join(parent, 'data', 'ct', 'canary-patient');
  await mkdir(scans, { recursive: true });
  await writeFile(join(scans, 'canary-scan.dcm'), 'not DICOM');
  await writeFile(join(scans, 'canary-scan-2.dcm'), Buffer.concat([Buffer.alloc(128), Buffer.from('DICMcanary-note')]));
  await writeFile(
    join(parent, 'data', 'clinical.csv'),
    'case_id,age,remark\ncanary-row-1,61,canary-note\ncanary-row-2,x,canary-note "\ncanary-row-3,70\n',
  );
  await writeFile(join(parent, 'data', 'expression.tsv'), 'gene\tcanary-row-1\nTP53\tcanary-note\nEGFR\t2\n');
  trainer = createTrainer({
    dataDirectory: join(parent, 'data'),
    cacheDirectory: join(parent, 'cache'),
    engines: ['wasm'],
  });
});
afterAll(async () => {
  await trainer.close();
  await rm(parent, { recursive: true });
});

describe('the training thread', () => {
  test('tells what it found in counts and fixed words, never by name', async () => {
    const progress: unknown[] = [];
    const prepared = await trainer.run(
      { kind: 'prepare', plan },
      { ...quiet, onProgress: (report) => progress.push(report) },
    );
    expect(prepared.ready.inventory.clinical).toBeGreaterThan(0);
    expect(Object.keys(prepared.ready.quarantine)).toContain('not-dicom');
    expect(prepared.ready.engine.kind).toBe('wasm');
    for (const canary of canaries) expect(JSON.stringify([prepared, progress])).not.toContain(canary);
  });

  test('says without a path that the data cannot be read', async () => {
    const lost = createTrainer({ dataDirectory: join(parent, 'gone'), cacheDirectory: parent, engines: ['wasm'] });
    const failed = lost.run({ kind: 'prepare', plan }, quiet);
    await expect(failed).rejects.toThrow(/^Cannot read the data/);
    await expect(failed).rejects.not.toThrow('canary');
    await lost.close();
  });

  const { size } = stageLayout(plan, plan.stages[0]!);
  test.each([
    ['is too short', new Float32Array(size - 1), 'model-wrong-length'],
    ['is too long', new Float32Array(size + 1), 'model-wrong-length'],
    ['holds NaN', new Float32Array(size).fill(Number.NaN, size - 1), 'model-not-finite'],
    ['suits data that this site lacks', new Float32Array(size), 'too-few-patients'],
  ])('declines a round whose model %s', async (_, weights, reason) => {
    const file = join(parent, 'model');
    await writeFile(file, littleEndianBytes(weights));
    const task: TrainTask = {
      kind: 'train',
      plan,
      stage: 'slices',
      round: 1,
      sites: 2,
      model: { hash: sha256Hex('model'), file },
      sliceEncoder: null,
      local: null,
      sealing: { recipientSealingKey: publicKeys(generateIdentity()).sealingKey, context: 'test' },
      outbox: join(parent, 'outbox'),
    };
    await expect(trainer.run(task, quiet)).rejects.toMatchObject({ reason });
  });
});
