import { type SlicePretrainingStage, StudyPlan } from '@wardround/protocols/study/plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { initialStageWeights } from '@wardround/protocols/study/stage-layout.ts';
import { openEngine } from '@wardround/shared/learning/engine/open-engine.ts';
import { describe, expect, test } from 'vitest';
import { pretrainSlices } from './pretrain-slices.ts';
import type { StepReport } from './steering.ts';
import { tinyCohort } from './testing/tiny-cohort.ts';

const privacy = { unit: 'patient', noiseMultiplier: 1, clip: 1, samplingRate: 0.5, groups: 1, slicesPerPatient: 2 };
const plan = StudyPlan.parse({
  ...smallPlan(),
  stages: smallPlan().stages.slice(0, 1),
  evaluation: { ...smallPlan().evaluation, trainAlone: false },
  protection: { ...smallPlan().protection, privacy: { ...privacy, delta: 1e-5 } },
});
const stage = plan.stages[0] as SlicePretrainingStage;

describe('pretrainSlices() with protection.privacy', () => {
  test('takes the accounted steps, and tells no loss and no count of its patients or slices', async () => {
    const engine = await openEngine({ prefer: ['wasm'] });
    const before = engine.tf.memory().numTensors;
    const weights = initialStageWeights(plan, stage);
    const reports: StepReport[] = [];
    const trained = await pretrainSlices(
      { engine, cohort: tinyCohort({ patients: 8 }) },
      { plan, stage, round: 1, weights },
      { signal: new AbortController().signal, onProgress: (report) => reports.push(report) },
    );
    expect(trained.figures).toMatchObject({ loss: null, steps: 2, samples: 0 });
    expect(trained.sampleCounts).toEqual({ slice: plan.protection.maximumSampleCount });
    expect(reports.map(({ done, total, loss }) => `${done}/${total} ${loss}`)).toEqual([
      '0/2 null',
      '1/2 null',
      '2/2 null',
    ]);
    expect(trained.weights.every(Number.isFinite)).toBe(true);
    expect(trained.weights).not.toEqual(weights);
    expect(engine.tf.memory().numTensors).toBe(before);
  });
});
