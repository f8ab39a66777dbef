/** Which differentially private mechanism a plan makes a site run, and how often: the same at every site, whatever its data. */
import type { RepeatedGaussian } from '@wardround/shared/privacy/rdp.ts';
import type { PatientPrivacy, SlicePretrainingStage, StudyPlan } from './plan.ts';

/** Steps of one round: as many epochs as planned, each of which samples every patient once on average. */
export function privateRoundSteps(
  { localEpochs, maximumLocalSteps = Number.POSITIVE_INFINITY }: SlicePretrainingStage,
  { samplingRate }: PatientPrivacy,
): number {
  return Math.min(Math.ceil(localEpochs / samplingRate), maximumLocalSteps);
}

/** What all rounds of the study run; null for a plan without privacy. A round trained again after a failure is charged again. */
export function privateTraining({ stages, protection: { privacy } }: StudyPlan): RepeatedGaussian | null {
  const stage = stages[0];
  if (privacy === undefined || stage?.kind !== 'slice-pretraining') return null;
  const { noiseMultiplier, samplingRate } = privacy;
  return { noiseMultiplier, samplingRate, steps: stage.rounds * privateRoundSteps(stage, privacy) };
}
