/** One local round of slice pretraining under patient-level differential privacy. */
import { randomBytes } from 'node:crypto';
import type { PatientPrivacy } from '@wardround/protocols/study/plan.ts';
import { privateRoundSteps } from '@wardround/protocols/study/private-training.ts';
import type { Engine } from '@wardround/shared/learning/engine/open-engine.ts';
import { createPrivatePretraining } from '@wardround/shared/learning/stages/private-pretraining.ts';
import type { Cohort } from '../data/cohort.ts';
import { readSlices } from '../data/slice-images.ts';
import { stageProgress } from './batches/local-steps.ts';
import type { SliceRange } from './batches/slice-batches.ts';
import type { PretrainingRound } from './pretrain-slices.ts';
import { type RoundTraining, requireFinite } from './round-training.ts';
import { betweenSteps, type Steering } from './steering.ts';

/**
 * Tells nothing that its noise does not cover: no loss, no count of samples; every site weighs the same, whatever its size.
 *
 * @param patients the slices of each training patient.
 */
export async function pretrainPrivately(
  { engine, cohort, patients }: { engine: Engine; cohort: Cohort; patients: readonly SliceRange[] },
  { plan, stage, round, weights, privacy }: PretrainingRound & { readonly privacy: PatientPrivacy },
  { signal, onProgress }: Steering,
): Promise<RoundTraining> {
  const startMillis = performance.now();
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
    randomBytes,
  });
  try {
    onProgress({ done: 0, total: steps, loss: null, perSecond: null });
    for (let step = 0; step < steps; step += 1) {
      await training.step({ progress: stageProgress({ round, rounds: stage.rounds, step, steps }), signal });
      onProgress({ done: step + 1, total: steps, loss: null, perSecond: null });
      await betweenSteps(signal);
    }
    const trained = await training.parameters();
    requireFinite(trained);
    const seconds = (performance.now() - startMillis) / 1000;
    return {
      weights: trained,
      sampleCounts: { slice: plan.protection.maximumSampleCount },
      figures: { loss: null, steps: training.spent().steps, samples: 0, seconds },
    };
  } finally {
    training.dispose();
  }
}
