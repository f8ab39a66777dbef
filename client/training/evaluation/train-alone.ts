/**
 * The same training without the federation: from the same starting weights, for as many rounds and steps, on this site's
 * patients only. It is the comparison that tells whether taking part was worth it; nothing of it leaves the site.
 */
import type { Engine } from '@wardround/shared/learning/engine/open-engine.ts';
import type { Cohort } from '../../data/cohort.ts';
import { alignModalities } from '../align-modalities.ts';
import { embedCohort } from '../embed-cohort.ts';
import { initialLocalLayers } from '../local-layers.ts';
import { pretrainSlices } from '../pretrain-slices.ts';
import type { StepReport } from '../steering.ts';
import type { EncoderWeights, StageModels } from './encoder-weights.ts';
import type { EvaluationSteering } from './evaluation-steering.ts';

/** @throws {DeclineError} when this site's own data do not allow the first stage. */
export async function trainAlone(
  { engine, cohort }: { engine: Engine; cohort: Cohort },
  { plan, slices, alignment }: StageModels,
  { signal, onProgress }: EvaluationSteering,
): Promise<EncoderWeights> {
  const rounds = plan.stages.reduce((total, stage) => total + stage.rounds, 0);
  let before = 0;
  /** Progress in steps of a thousandth of a round, over all rounds of all stages. */
  const watch = (stage: string, round: number) => ({
    signal,
    onProgress: ({ done, total, loss, perSecond }: StepReport) =>
      onProgress({
        activity: 'training-alone',
        stage,
        round,
        done: Math.round((before + done / total) * 1000),
        total: rounds * 1000,
        loss,
        perSecond,
      }),
  });

  let sliceWeights = slices.initial;
  for (let round = 1; round <= slices.stage.rounds; round++, before++) {
    const input = { plan, stage: slices.stage, round, weights: sliceWeights };
    sliceWeights = (await pretrainSlices({ engine, cohort }, input, watch(slices.stage.name, round))).weights;
  }
  if (alignment === null) return { slices: sliceWeights, alignment: null };

  const sliceEmbeddings = await embedCohort(
    { engine, cohort },
    { plan, parameters: sliceWeights },
    {
      signal,
      onProgress: (report) =>
        onProgress({ activity: 'embedding', stage: alignment.stage.name, round: null, ...report }),
    },
  );
  let shared = alignment.initial;
  let local = initialLocalLayers({ plan, stage: alignment.stage }, cohort);
  for (let round = 1; round <= alignment.stage.rounds; round++, before++) {
    const input = { plan, stage: alignment.stage, round, weights: shared, local, sliceEmbeddings };
    const after = await alignModalities({ engine, cohort }, input, watch(alignment.stage.name, round));
    shared = after.weights;
    local = after.local;
  }
  return { slices: sliceWeights, alignment: { shared, local }, sliceEmbeddings };
}
