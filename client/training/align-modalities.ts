/** One local round of alignment: shared weights and this site's own first layers in, both out; only the shared part travels. */
import type { AlignmentStage, StudyPlan } from '@wardround/protocols/study/plan.ts';
import type { Engine } from '@wardround/shared/learning/engine/open-engine.ts';
import type { Modality } from '@wardround/shared/learning/modality-pairs.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { vitSizes } from '@wardround/shared/tensors/layouts/vit.ts';
import type { Cohort } from '../data/cohort.ts';
import { createAlignmentBatch } from './batches/alignment-batch.ts';
import { dropInputs } from './batches/drop-inputs.ts';
import { localBatches, stageProgress } from './batches/local-steps.ts';
import { contributors, MODALITIES, modalitiesOf, patientBatches } from './batches/patient-batches.ts';
import { DeclineError } from './decline-error.ts';
import type { LocalLayers } from './local-layers.ts';
import { openAlignment } from './open-alignment.ts';
import { createRoundFigures, type RoundTraining, requireFinite } from './round-training.ts';
import { betweenSteps, type Steering } from './steering.ts';

export interface AlignmentRound {
  readonly plan: StudyPlan;
  readonly stage: AlignmentStage;
  /** From 1. */
  readonly round: number;
  /** The stage's weights at the start of the round. */
  readonly weights: Float32Array;
  readonly local: LocalLayers;
  /** [slices, sliceWidth]: the frozen slice encoder's embedding of every slice of the cohort. */
  readonly sliceEmbeddings: Float32Array;
}

export interface AlignmentTraining extends RoundTraining {
  readonly local: LocalLayers;
}

/** The layout group that each modality's encoder belongs to. */
const GROUP_OF: Readonly<Record<Modality, string>> = { ct: 'image', clinical: 'clinical', expression: 'expression' };

/**
 * @throws {DeclineError} `too-few-patients` when no two training patients share two modalities; `training-not-finite` when
 *   the loss leaves the numbers.
 */
export async function alignModalities(
  { engine, cohort }: { engine: Engine; cohort: Cohort },
  { plan, stage, round, weights, local, sliceEmbeddings }: AlignmentRound,
  { signal, onProgress, place }: Steering,
): Promise<AlignmentTraining> {
  const patients = modalitiesOf(cohort).filter(({ index }) => cohort.patients[index]?.heldOut === false);
  const random = createRandom(plan.seed).fork(`${stage.name}/${round}`);
  const batches = [
    ...localBatches(stage, (epoch) =>
      patientBatches(patients, { batch: stage.batch, random: random.fork(`epoch/${epoch}`) }),
    ),
  ];
  if (batches.length === 0) {
    throw new DeclineError(
      'too-few-patients',
      `Cannot train ${stage.name}: at least two training patients with the same two modalities are needed.`,
    );
  }
  const { width: sliceWidth } = vitSizes(plan.encoders.slice.architecture);
  const alignment = openAlignment(
    { engine, cohort },
    { plan, stage, shared: weights, local, from: place?.found?.optimisers },
  );
  try {
    const { steps: stepsBefore = 0, sums } = place?.found ?? {};
    const figures = createRoundFigures({ from: sums });
    const trained = { ct: new Set<number>(), clinical: new Set<number>(), expression: new Set<number>() };
    onProgress({ done: stepsBefore, total: batches.length, loss: null, perSecond: null });
    for (const [step, batch] of batches.entries()) {
      for (const modality of MODALITIES) {
        for (const { index } of contributors(batch, modality)) trained[modality].add(index);
      }
      if (step < stepsBefore) continue;
      const progress = stageProgress({ round, rounds: stage.rounds, step, steps: batches.length });
      const indices = batch.map(({ index }) => index);
      const inputs = createAlignmentBatch(cohort, { indices, sliceEmbeddings, sliceWidth });
      dropInputs(inputs, { share: stage.inputDropout, random: random.fork(`dropout/${step}`) });
      const loss = await alignment.step(inputs, { progress });
      figures.step(loss, batch.length);
      onProgress({ done: step + 1, total: batches.length, loss, perSecond: figures.perSecond() });
      await place?.afterStep(async () => ({
        steps: step + 1,
        optimisers: await alignment.state(),
        sums: figures.sums(),
        secret: null,
      }));
      await betweenSteps(signal);
    }
    const { shared, local: localAfter } = await alignment.parameters();
    for (const values of [shared, localAfter.clinical, localAfter.expression]) requireFinite(values);
    return {
      weights: shared,
      local: localAfter,
      sampleCounts: {
        [GROUP_OF.ct]: trained.ct.size,
        [GROUP_OF.clinical]: trained.clinical.size,
        [GROUP_OF.expression]: trained.expression.size,
      },
      figures: figures.figures(),
    };
  } finally {
    alignment.dispose();
  }
}
