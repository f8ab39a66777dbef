/**
 * One local round of slice pretraining: the global weights in, the weights after this site's own steps out. A plan with
 * `protection.privacy` trains privately (pretrain-privately.ts).
 */
import type { Engine } from '@wardround/shared/learning/engine/open-engine.ts';
import { createSlicePretraining } from '@wardround/shared/learning/stages/slice-pretraining.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import type { Cohort } from '../data/cohort.ts';
import { readSlices } from '../data/slice-images.ts';
import { localBatches, localSteps, stageProgress } from './batches/local-steps.ts';
import { type SliceRange, sliceBatches } from './batches/slice-batches.ts';
import { DeclineError } from './decline-error.ts';
import { pretrainPrivately } from './pretrain-privately.ts';
import { createRoundFigures, type PretrainingRound, type RoundTraining, requireFinite } from './round-training.ts';
import { betweenSteps, type Steering } from './steering.ts';

/** The slices that may train: those of the patients that are not held out. */
function trainingSlices(cohort: Cohort): SliceRange[] {
  return cohort.patients.flatMap(({ slices, heldOut }) => (slices === null || heldOut ? [] : [slices]));
}

/**
 * Batches and augmentations follow from the plan's seed, the stage and the round. Sites share them and differ in their data.
 *
 * @throws {DeclineError} `too-few-patients` with fewer than two training patients with CT: one patient's slices have no
 *   true negatives; `training-not-finite` when the loss leaves the numbers.
 */
export async function pretrainSlices(
  { engine, cohort }: { engine: Engine; cohort: Cohort },
  { plan, stage, round, weights }: PretrainingRound,
  { signal, onProgress, place }: Steering,
): Promise<RoundTraining> {
  const patients = trainingSlices(cohort);
  if (patients.length < 2) {
    throw new DeclineError(
      'too-few-patients',
      `Cannot train ${stage.name}: at least two training patients with CT are needed, found ${patients.length}.`,
    );
  }
  const { privacy } = plan.protection;
  if (privacy !== undefined) {
    return await pretrainPrivately(
      { engine, cohort, patients },
      { plan, stage, round, weights, privacy },
      { signal, onProgress, place },
    );
  }
  const random = createRandom(plan.seed).fork(`${stage.name}/${round}`);
  const drawEpoch = (epoch: number) =>
    sliceBatches(patients, { batch: stage.batch, random: random.fork(`epoch/${epoch}`) });
  const steps = localSteps(drawEpoch(0).length, stage);
  const training = createSlicePretraining(engine, {
    architecture: plan.encoders.slice.architecture,
    imageSizePixels: plan.imaging.sizePixels,
    projectionWidth: plan.encoders.slice.projectionWidth,
    temperature: stage.temperature,
    optimiser: stage.optimiser,
    seed: `${plan.seed}/${stage.name}/${round}/augmentations`,
    parameters: weights,
    from: place?.found?.optimisers.slice,
  });
  try {
    const { steps: stepsBefore = 0, sums } = place?.found ?? {};
    const figures = createRoundFigures({ from: sums });
    const seen = new Set<number>();
    let step = 0;
    onProgress({ done: stepsBefore, total: steps, loss: null, perSecond: null });
    for (const batch of localBatches(stage, drawEpoch)) {
      for (const slice of batch) seen.add(slice);
      step += 1;
      if (step <= stepsBefore) continue;
      const progress = stageProgress({ round, rounds: stage.rounds, step: step - 1, steps });
      const loss = await training.step(readSlices(cohort.images, batch), { progress, signal });
      figures.step(loss, batch.length);
      onProgress({ done: step, total: steps, loss, perSecond: figures.perSecond() });
      await place?.afterStep(async () => ({
        steps: step,
        optimisers: { slice: await training.state() },
        sums: figures.sums(),
        secret: null,
      }));
      await betweenSteps(signal);
    }
    const trained = await training.parameters();
    requireFinite(trained);
    return {
      weights: trained,
      sampleCounts: { slice: seen.size },
      figures: figures.figures(),
    };
  } finally {
    training.dispose();
  }
}
