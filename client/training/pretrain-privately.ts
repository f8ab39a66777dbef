/** One local round of slice pretraining under patient-level differential privacy. */
import { randomBytes } from 'node:crypto';
import type { PatientPrivacy } from '@wardround/protocols/study/plan.ts';
import { privateRoundSteps } from '@wardround/protocols/study/private-training.ts';
import type { Engine } from '@wardround/shared/learning/engine/open-engine.ts';
import { createPrivatePretraining } from '@wardround/shared/learning/stages/private-pretraining.ts';
import { STEP_SECRET_BYTES, stepBytes } from '@wardround/shared/privacy/step-bytes.ts';
import type { Cohort } from '../data/cohort.ts';
import { readSlices } from '../data/slice-images.ts';
import { stageProgress } from './batches/local-steps.ts';
import type { SliceRange } from './batches/slice-batches.ts';
import { createRoundFigures, type PretrainingRound, type RoundTraining, requireFinite } from './round-training.ts';
import { betweenSteps, type Steering } from './steering.ts';

/**
 * Draws its sample and its noise from one secret, so that after an interruption the steps that were not kept are taken again as
 * they were. Tells nothing that its noise does not cover: no loss, no count of samples; every site weighs the same, whatever its size.
 *
 * @param patients the slices of each training patient.
 */
export async function pretrainPrivately(
  { engine, cohort, patients }: { engine: Engine; cohort: Cohort; patients: readonly SliceRange[] },
  { plan, stage, round, weights, privacy }: PretrainingRound & { readonly privacy: PatientPrivacy },
  { signal, onProgress, place }: Steering,
): Promise<RoundTraining> {
  const { steps: stepsBefore = 0, optimisers, sums } = place?.found ?? {};
  const figures = createRoundFigures({ from: sums });
  const secret = place?.found?.secret ?? randomBytes(STEP_SECRET_BYTES);
  const steps = privateRoundSteps(stage, privacy);
  const training = createPrivatePretraining(engine, {
    architecture: plan.encoders.slice.architecture,
    imageSizePixels: plan.imaging.sizePixels,
    projectionWidth: plan.encoders.slice.projectionWidth,
    temperature: stage.temperature,
    optimiser: stage.optimiser,
    seed: `${plan.seed}/${stage.name}/${round}/augmentations`,
    parameters: weights,
    privacy,
    patients: patients.map(({ first, count }) => Array.from({ length: count }, (_, slice) => first + slice)),
    readSlices: (slices) => readSlices(cohort.images, slices),
    from: optimisers?.slice,
    randomBytesAt: (step) => stepBytes(secret, step),
  });
  try {
    onProgress({ done: stepsBefore, total: steps, loss: null, perSecond: null });
    for (let step = stepsBefore; step < steps; step += 1) {
      await training.step({ progress: stageProgress({ round, rounds: stage.rounds, step, steps }), signal });
      onProgress({ done: step + 1, total: steps, loss: null, perSecond: null });
      await place?.afterStep(async () => ({
        steps: step + 1,
        optimisers: { slice: await training.state() },
        sums: figures.sums(),
        secret,
      }));
      await betweenSteps(signal);
    }
    const trained = await training.parameters();
    requireFinite(trained);
    const { seconds } = figures.figures();
    return {
      weights: trained,
      sampleCounts: { slice: plan.protection.maximumSampleCount },
      figures: { loss: null, steps: training.spent().steps, samples: 0, seconds },
    };
  } finally {
    training.dispose();
  }
}
