/** Trainings that are killed at random steps end as if they had not been: seeded, and the seed is in each test's name. */
import { mkdtempSync, rmSync } from 'node:fs';
import { appendFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AlignmentStage,
  planHash,
  type SlicePretrainingStage,
  StudyPlan,
} from '@wardround/protocols/study/plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { initialStageWeights, stageUpdateCode } from '@wardround/protocols/study/stage-layout.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { type Engine, openEngine } from '@wardround/shared/learning/engine/open-engine.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { vitSizes } from '@wardround/shared/tensors/layouts/vit.ts';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { cohortFingerprint } from '../data/cohort-fingerprint.ts';
import { dropPlace, keepPlace, type PlacedTraining, readPlace } from '../state/kept-place.ts';
import { alignModalities } from './align-modalities.ts';
import { initialLocalLayers } from './local-layers.ts';
import { createPlaceKeeper, type PlaceInterval } from './place-keeper.ts';
import { pretrainSlices } from './pretrain-slices.ts';
import type { RoundTraining } from './round-training.ts';
import type { Steering } from './steering.ts';
import { tinyCohort } from './testing/tiny-cohort.ts';
import { updateFromWeights } from './update-from-weights.ts';

const small = smallPlan();
const withEpochs = (localEpochs: number) =>
  StudyPlan.parse({
    ...small,
    stages: small.stages.map((stage) => ({
      ...stage,
      rounds: 2,
      batch: 4,
      localEpochs,
      ...(stage.kind === 'alignment' && { inputDropout: 0.2 }),
    })),
  });
const privacy = { unit: 'patient', noiseMultiplier: 1, clip: 1, samplingRate: 0.5, groups: 1, slicesPerPatient: 2 };
const privatePlan = StudyPlan.parse({
  ...small,
  stages: small.stages.slice(0, 1).map((stage) => ({ ...stage, localEpochs: 1 })),
  evaluation: { ...small.evaluation, trainAlone: false },
  protection: { ...small.protection, privacy: { ...privacy, delta: 1e-5 } },
});
const cohort = tinyCohort({ patients: 16 });
const signal = new AbortController().signal;
const killed = new Error('killed');

let engine: Engine;
let folder: string;
let wholePretraining: Promise<RoundTraining> | undefined;
beforeAll(async () => {
  engine = await openEngine({ prefer: ['wasm'] });
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wardround-place-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

type Train = (steering: Steering) => Promise<RoundTraining>;

function pretraining(plan: StudyPlan): { training: PlacedTraining; train: Train; plan: StudyPlan } {
  const stage = plan.stages[0] as SlicePretrainingStage;
  const weights = initialStageWeights(plan, stage);
  const train: Train = (steering) => pretrainSlices({ engine, cohort }, { plan, stage, round: 1, weights }, steering);
  return { training: trainingOf(plan, stage.name), train, plan };
}

function aligning(plan: StudyPlan): { training: PlacedTraining; train: Train; plan: StudyPlan } {
  const stage = plan.stages[1] as AlignmentStage;
  const { width } = vitSizes(plan.encoders.slice.architecture);
  const round = { plan, stage, round: 2, weights: initialStageWeights(plan, stage) };
  const local = initialLocalLayers({ plan, stage }, cohort);
  const sliceEmbeddings = Float32Array.from({ length: cohort.images.count * width }, (_, index) => Math.sin(index));
  const train: Train = (steering) =>
    alignModalities({ engine, cohort }, { ...round, local, sliceEmbeddings }, steering);
  return { training: trainingOf(plan, stage.name), train, plan };
}

function trainingOf(plan: StudyPlan, stage: string): PlacedTraining {
  const [model, data] = [sha256Hex('model'), sha256Hex('data')];
  return { study: planHash(plan), stage, round: 1, model, sliceEncoder: null, local: null, data };
}

/** Trains as often as it takes, killed after so many steps each time; each restart finds what the disk holds. */
async function trainOverKills(
  { training, train }: { training: PlacedTraining; train: Train },
  options: PlaceInterval & { readonly kills: readonly number[]; readonly minutesPerStep?: number },
) {
  const { kills, minutesPerStep = 1 } = options;
  let nowMillis = 0;
  let kept = 0;
  const begun: number[] = [];
  for (const stepsUntilKill of [...kills, Number.POSITIVE_INFINITY]) {
    const found = await readPlace(folder, training);
    begun.push(found?.steps ?? 0);
    const place = createPlaceKeeper(found, {
      ...options,
      nowMillis: () => nowMillis,
      keep: async (state) => {
        kept += 1;
        await keepPlace(folder, training, state);
      },
    });
    let steps = -1;
    const onProgress = () => {
      steps += 1;
      if (steps === 0) return;
      nowMillis += minutesPerStep * 60_000;
      if (steps > stepsUntilKill) throw killed;
    };
    try {
      return { trained: await train({ signal, onProgress, place }), begun, kept };
    } catch (error) {
      if (error !== killed) throw error;
    }
  }
  throw new Error('Cannot happen: the last one is not killed');
}

function vectorOf({ weights, sampleCounts }: RoundTraining, { plan, training }: ReturnType<typeof pretraining>) {
  const stage = plan.stages.find(({ name }) => name === training.stage)!;
  const code = { ...stageUpdateCode(plan, stage, 3), normLimit: undefined };
  return updateFromWeights({ before: initialStageWeights(plan, stage), after: weights, sampleCounts }, code).vector;
}

const quiet = { signal, onProgress: () => undefined };

describe('a training that keeps its place', () => {
  test.each([
    1, 2, 3,
  ])('gives the same update to the bit after kills at random steps: pretraining, seed %i', async (seed) => {
    const round = pretraining(withEpochs(2));
    wholePretraining ??= round.train(quiet);
    const whole = await wholePretraining;
    const random = createRandom(seed);
    const kills = Array.from({ length: 3 }, () => random.int(3));
    const { trained, begun } = await trainOverKills(round, {
      everyMillis: 60_000 * (1 + random.int(2)),
      everySteps: 2,
      kills,
    });
    expect(Buffer.compare(vectorOf(trained, round), vectorOf(whole, round))).toBe(0);
    expect(trained.weights).toEqual(whole.weights);
    const { seconds: _, ...figures } = whole.figures;
    expect(trained.figures).toMatchObject(figures);
    expect(trained.sampleCounts).toEqual(whole.sampleCounts);
    // It went forward between two kills wherever a step was kept.
    expect(begun).toEqual(begun.toSorted((a, b) => a - b));
  });

  test.each([4, 5])('the same for alignment, with the layers that stay at the site: seed %i', async (seed) => {
    const round = aligning(withEpochs(6));
    const whole = await round.train(quiet);
    const random = createRandom(seed);
    const kills = Array.from({ length: 5 }, () => random.int(5));
    const { trained, begun } = await trainOverKills(round, { everyMillis: 2 * 60_000, everySteps: 100, kills });
    expect({ ...trained, figures: null }).toEqual({ ...whole, figures: null });
    expect({ ...trained.figures, seconds: 0 }).toEqual({ ...whole.figures, seconds: 0 });
    expect(begun.at(-1)).toBeGreaterThan(0);
  });

  test('draws no other noise for a private step that is taken again', async () => {
    const round = pretraining(privatePlan);
    // Killed in the second step, which is then taken again.
    const { trained } = await trainOverKills(round, { everyMillis: 0, everySteps: 1, kills: [1] });
    expect(trained.figures).toMatchObject({ loss: null, steps: 2, samples: 0 });
    // From the first step on with the same secret, without a kill.
    const { secret } = (await readPlace(folder, round.training))!;
    const begun = { steps: 0, sums: {}, optimisers: {}, secret };
    const place = createPlaceKeeper(begun, { ...never, keep: async () => undefined });
    const whole = await round.train({ ...quiet, place });
    expect(whole.weights).toEqual(trained.weights);
  });

  test('loses minutes, not hours, of twenty hours that are interrupted again and again', async () => {
    const round = aligning(withEpochs(60));
    const whole = await round.train(quiet);
    const hours = 20;
    const minutesPerStep = (hours * 60) / whole.figures.steps;
    const random = createRandom('twenty hours');
    const kills = Array.from({ length: 24 }, () => 1 + random.int(9));
    const options = { everyMillis: 5 * 60_000, everySteps: 5000, minutesPerStep };
    const { trained, begun, kept } = await trainOverKills(round, { ...options, kills });
    expect(whole.figures.steps).toBe(120);
    expect(trained.weights).toEqual(whole.weights);
    expect(kept).toBeGreaterThan(100);
    for (const [attempt, steps] of kills.entries()) {
      expect(begun[attempt + 1]).toBeGreaterThanOrEqual(Math.min(begun[attempt]! + steps - 1, 119));
    }
    expect((await readdir(join(folder, 'training'))).length).toBe(1);
  });
});

const never = { everyMillis: Number.POSITIVE_INFINITY, everySteps: Number.POSITIVE_INFINITY };

describe('readPlace()', () => {
  const training = trainingOf(withEpochs(1), 'slices');
  const vectors = {
    values: Float32Array.of(1, 2),
    firstMoment: Float32Array.of(3, 4),
    secondMoment: Float32Array.of(5, 6),
  };
  const place = {
    steps: 7,
    optimisers: { slice: { steps: 7, ...vectors } },
    sums: { losses: 0.1 + 0.2, steps: 7, samples: 28, seconds: 1.5 },
    secret: new Uint8Array(32).fill(9),
  };
  const placeFile = async () => join(folder, 'training', (await readdir(join(folder, 'training')))[0]!);

  test('gives what was kept, from a file that only the site’s user can read', async () => {
    await keepPlace(folder, training, { ...place, steps: 6 });
    await keepPlace(folder, training, place);
    const found = await readPlace(folder, training);
    expect({ ...found, secret: [...found!.secret!] }).toEqual({ ...place, secret: [...place.secret] });
    expect(await readdir(join(folder, 'training'))).toHaveLength(1);
    expect((await stat(await placeFile())).mode & 0o077).toBe(0);
    expect((await stat(join(folder, 'training'))).mode & 0o077).toBe(0);
  });

  test.each([
    ['round', { round: 2 }],
    ['model', { model: sha256Hex('other') }],
    ['slice encoder', { sliceEncoder: sha256Hex('other') }],
    ['site’s own layers', { local: sha256Hex('other') }],
    ['data', { data: sha256Hex('other') }],
  ])('ignores and removes the place of another %s', async (_, change) => {
    await keepPlace(folder, training, place);
    expect(await readPlace(folder, { ...training, ...change })).toBeNull();
    expect(await readdir(join(folder, 'training'))).toEqual([]);
  });

  test('leaves the place of another study and another stage alone', async () => {
    const others = [
      { ...training, stage: 'slices-2' },
      { ...training, study: sha256Hex('other') },
    ];
    for (const other of others) await keepPlace(folder, other, place);
    expect(await readPlace(folder, training)).toBeNull();
    for (const other of others) expect((await readPlace(folder, other))?.steps).toBe(7);
  });

  test('ignores and removes what was damaged or cut short, and what a write left that was interrupted', async () => {
    for (const damage of [
      async () => appendFile(await placeFile(), 'x'),
      async () => writeFile(await placeFile(), (await readFile(await placeFile())).subarray(0, -4)),
    ]) {
      await keepPlace(folder, training, place);
      await damage();
      await writeFile(join(folder, 'training', '.x.tmp'), 'half');
      expect(await readPlace(folder, training)).toBeNull();
      expect(await readdir(join(folder, 'training'))).toEqual([]);
    }
  });

  test('takes the later of two, where the first was not removed yet', async () => {
    await keepPlace(folder, training, place);
    const [file, bytes] = [await placeFile(), await readFile(await placeFile())];
    await keepPlace(folder, training, { ...place, steps: 8 });
    await writeFile(file, bytes);
    expect((await readPlace(folder, training))?.steps).toBe(8);
    await mkdir(join(folder, 'training'), { recursive: true });
    await dropPlace(folder, training);
    expect(await readPlace(folder, training)).toBeNull();
  });
});

describe('cohortFingerprint()', () => {
  test('changes with a grey level, a value, a patient who is held out; not with a label', async () => {
    const base = () => tinyCohort({ patients: 4 });
    const known = await cohortFingerprint(base());
    expect(await cohortFingerprint(base())).toBe(known);
    const level = base();
    level.images.levels[level.images.levels.length - 1]! ^= 1;
    const value = base();
    value.patients[1]!.clinical![0]! += 1;
    const heldOut = base();
    const changed = [
      level,
      value,
      { ...heldOut, patients: heldOut.patients.map((one) => ({ ...one, heldOut: true })) },
    ];
    for (const other of changed) expect(await cohortFingerprint(other)).not.toBe(known);
    const labelled = base();
    expect(
      await cohortFingerprint({ ...labelled, patients: labelled.patients.map((one) => ({ ...one, labels: {} })) }),
    ).toBe(known);
  });
});
