import { type AlignmentStage, type SlicePretrainingStage, StudyPlan } from '@wardround/protocols/study/plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { initialStageWeights } from '@wardround/protocols/study/stage-layout.ts';
import { type Engine, openEngine } from '@wardround/shared/learning/engine/open-engine.ts';
import { vitSizes } from '@wardround/shared/tensors/layouts/vit.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Cohort } from '../data/cohort.ts';
import { alignModalities } from './align-modalities.ts';
import { embedCohort } from './embed-cohort.ts';
import { evaluateSite } from './evaluation/evaluate-site.ts';
import { initialLocalLayers } from './local-layers.ts';
import { pretrainSlices } from './pretrain-slices.ts';
import type { StepReport } from './steering.ts';
import { tinyCohort } from './testing/tiny-cohort.ts';

const plan = StudyPlan.parse({
  ...smallPlan(),
  stages: smallPlan().stages.map((stage) => ({ ...stage, rounds: 1, batch: 4, optimiser: { learningRate: 1e-3 } })),
  evaluation: { ...smallPlan().evaluation, minimumPatients: 4, fewShot: { shots: [1, 50], seeds: 2 } },
});
const pretraining = plan.stages[0] as SlicePretrainingStage;
const alignment = plan.stages[1] as AlignmentStage;
const quiet = { signal: new AbortController().signal, onProgress: () => undefined };
const { width: sliceWidth } = vitSizes(plan.encoders.slice.architecture);
const slices = initialStageWeights(plan, pretraining);
const shared = initialStageWeights(plan, alignment);

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ prefer: ['wasm'] });
});

function embeddingsFor(cohort: Cohort): Float32Array {
  const embeddings = new Float32Array(cohort.images.count * sliceWidth);
  for (let slice = 0; slice < cohort.images.count; slice++) {
    const brightness = cohort.images.levels[slice * cohort.images.sizePixels ** 2]! / 255;
    for (let column = 0; column < sliceWidth; column++) {
      embeddings[slice * sliceWidth + column] = Math.sin(brightness * (column + 1));
    }
  }
  return embeddings;
}

describe('pretrainSlices()', () => {
  test('moves the weights, counts each training slice once and reports every step', async () => {
    const cohort = tinyCohort({ patients: 8 });
    const reports: StepReport[] = [];
    const stage = { ...pretraining, localEpochs: 2 };
    const trained = await pretrainSlices(
      { engine, cohort },
      { plan, stage, round: 1, weights: slices },
      { ...quiet, onProgress: (report) => reports.push(report) },
    );
    expect(trained.sampleCounts).toEqual({ slice: 8 });
    expect(trained.figures).toMatchObject({ steps: 4, samples: 16, loss: expect.any(Number) });
    expect(reports.map(({ done, total }) => `${done}/${total}`)).toEqual(['0/4', '1/4', '2/4', '3/4', '4/4']);
    expect(trained.weights).toHaveLength(slices.length);
    expect(trained.weights.some((weight, index) => weight !== slices[index])).toBe(true);
    expect(trained.weights.every(Number.isFinite)).toBe(true);
  });

  test('gives the same update again after a restart, and another in the next round', async () => {
    const cohort = tinyCohort({ patients: 4 });
    const run = (round: number) =>
      pretrainSlices({ engine, cohort }, { plan, stage: { ...pretraining, rounds: 2 }, round, weights: slices }, quiet);
    const first = await run(1);
    expect((await run(1)).weights).toEqual(first.weights);
    expect((await run(2)).weights).not.toEqual(first.weights);
  });

  test('declines with fewer than two training patients', async () => {
    const cohort = tinyCohort({ patients: 3, has: (patient) => ({ ct: patient !== 0 }) });
    await expect(
      pretrainSlices({ engine, cohort }, { plan, stage: pretraining, round: 1, weights: slices }, quiet),
    ).rejects.toMatchObject({ reason: 'too-few-patients' });
  });

  test('declines when the loss is no longer a number', async () => {
    const cohort = tinyCohort({ patients: 4 });
    const weights = slices.map(() => 1e38);
    await expect(
      pretrainSlices({ engine, cohort }, { plan, stage: pretraining, round: 1, weights }, quiet),
    ).rejects.toMatchObject({ reason: 'training-not-finite' });
  });

  test('stops between two steps and frees its tensors', async () => {
    const cohort = tinyCohort({ patients: 8 });
    const before = engine.tf.memory().numTensors;
    const stop = new AbortController();
    const steering = { signal: stop.signal, onProgress: () => stop.abort() };
    const run = pretrainSlices({ engine, cohort }, { plan, stage: pretraining, round: 1, weights: slices }, steering);
    await expect(run).rejects.toMatchObject({ name: 'AbortError' });
    expect(engine.tf.memory().numTensors).toBe(before);
  });
});

describe('alignModalities()', () => {
  const align = (cohort: Cohort, change: object = {}) =>
    alignModalities(
      { engine, cohort },
      {
        plan,
        stage: { ...alignment, ...change },
        round: 1,
        weights: shared,
        local: initialLocalLayers({ plan, stage: alignment }, cohort),
        sliceEmbeddings: embeddingsFor(cohort),
      },
      quiet,
    );

  test('learns on a signal that all modalities share', async () => {
    const cohort = tinyCohort({ patients: 16 });
    const first = await align(cohort);
    const later = await align(cohort, { localEpochs: 20 });
    expect(later.figures.loss).toBeLessThan(0.9 * first.figures.loss!);
    expect(first.sampleCounts).toEqual({ image: 8, clinical: 8, expression: 8 });
  });

  test('counts for each encoder only the patients that trained it, and leaves the others’ weights alone', async () => {
    const cohort = tinyCohort({
      patients: 16,
      has: (patient) => ({ expression: patient === 0, clinical: patient < 9 }),
    });
    const { sampleCounts, weights } = await align(cohort, { localEpochs: 3 });
    expect(sampleCounts).toEqual({ image: 5, clinical: 5, expression: 0 });
    const untouched = weights.filter((weight, index) => weight === shared[index]).length;
    expect(untouched).toBeGreaterThan(40 * 40);
    expect(untouched).toBeLessThan(weights.length);
  });

  test.each<[string, object]>([
    ['clinical data', { clinical: false }],
    ['expression data', { expression: false }],
  ])('trains at a site without %s', async (_, has) => {
    const { local, sampleCounts } = await align(tinyCohort({ patients: 8, has: () => has }));
    expect(sampleCounts).toMatchObject({ image: 4 });
    expect([local.clinical === null, local.expression === null]).toEqual(['clinical' in has, 'expression' in has]);
  });

  test('moves the site’s own first layers, which are not part of the update', async () => {
    const cohort = tinyCohort({ patients: 8 });
    const { local, weights } = await align(cohort, { localEpochs: 2 });
    const before = initialLocalLayers({ plan, stage: alignment }, cohort);
    expect(local.clinical).toHaveLength(before.clinical!.length);
    expect(local.clinical).not.toEqual(before.clinical);
    expect(weights).toHaveLength(shared.length);
  });

  test('declines when no two patients can be contrasted', async () => {
    const lonely = tinyCohort({ patients: 8, has: () => ({ clinical: false, expression: false }) });
    await expect(align(lonely)).rejects.toMatchObject({ reason: 'too-few-patients' });
  });
});

describe('evaluateSite()', () => {
  const models = {
    plan,
    slices: { stage: pretraining, initial: slices, final: slices },
    alignment: { stage: alignment, initial: shared, final: shared },
  };

  test('reports metrics and counts for every encoder, with the site’s own training for comparison', async () => {
    const cohort = tinyCohort({ patients: 16 });
    const activities = new Set<string>();
    const report = await evaluateSite(
      { engine, cohort },
      { models, local: initialLocalLayers({ plan, stage: alignment }, cohort) },
      { ...quiet, onProgress: ({ activity }) => activities.add(activity) },
    );
    const rows = report.results.map(
      ({ encoder, representation, protocol, k }) => `${encoder} ${representation} ${protocol} ${k}`,
    );
    expect(rows).toHaveLength(12);
    expect(new Set(rows).size).toBe(12);
    for (const result of report.results) {
      expect(result.patients).toBe(8);
      expect(result.gainOverRandom === null).toBe(result.encoder === 'random');
    }
    const federated = report.results.filter(({ encoder }) => encoder === 'federated');
    for (const { gainOverRandom } of federated) expect(gainOverRandom).toEqual({ mean: 0, standardError: 0 });
    expect(report.retrieval.map(({ pair, encoder }) => `${encoder} ${pair}`)).toHaveLength(6);
    expect(report.skipped).toEqual([{ task: 'histology/few-shot-50', reason: 'too-few-shots' }]);
    expect([...activities].sort()).toEqual(['embedding', 'evaluating', 'training-alone']);
  });

  test('measures what a site can and names what it cannot', async () => {
    const cohort = tinyCohort({ patients: 6, has: () => ({ clinical: false, expression: false }) });
    const report = await evaluateSite({ engine, cohort }, { models, local: null }, quiet);
    expect(report.results).toEqual([]);
    expect(report.retrieval).toEqual([]);
    expect(report.skipped).toContainEqual({ task: 'histology', reason: 'too-few-patients' });
    expect(report.skipped).toContainEqual({ task: 'training-alone', reason: 'too-few-patients' });
  });

  test('needs no alignment for a study that only pretrains', async () => {
    const cohort = tinyCohort({ patients: 16 });
    const report = await evaluateSite(
      { engine, cohort },
      { models: { ...models, alignment: null }, local: null },
      quiet,
    );
    expect(new Set(report.results.map(({ representation }) => representation))).toEqual(new Set(['slices']));
    expect(report.retrieval).toEqual([]);
  });
});

describe('embedCohort()', () => {
  test('embeds every slice once, in the order of the image store', async () => {
    const tiny = tinyCohort({ patients: 3, slicesPerPatient: 100 });
    // Without training patients nothing is standardised, so that one slice can be compared on its own.
    const cohort = { ...tiny, patients: tiny.patients.map((patient) => ({ ...patient, heldOut: true })) };
    const embeddings = await embedCohort({ engine, cohort }, { plan, parameters: slices }, quiet);
    expect(embeddings).toHaveLength(300 * sliceWidth);
    const lastAlone = await embedCohort(
      {
        engine,
        cohort: { ...cohort, images: { ...cohort.images, count: 1, levels: cohort.images.levels.slice(-(32 ** 2)) } },
      },
      { plan, parameters: slices },
      quiet,
    );
    for (const [column, value] of lastAlone.entries()) {
      expect(embeddings[299 * sliceWidth + column]).toBeCloseTo(value, 4);
    }
  });
});
