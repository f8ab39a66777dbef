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

/**
 * What all rounds of the study run; null for a plan without privacy. A round trained again after a failure is charged again.
 *
 * Central privacy is one release a round, in which every site takes part. Its noise is a sum of discrete Gaussians; at the
 * least deviation that central-noise.ts allows what that costs beyond one Gaussian is far below a rounding error.
 */
export function privateTraining({
  stages,
  protection: { privacy, centralPrivacy },
}: StudyPlan): RepeatedGaussian | null {
  if (centralPrivacy !== undefined) {
    const rounds = stages.reduce((sum, stage) => sum + stage.rounds, 0);
    return { noiseMultiplier: centralPrivacy.noiseMultiplier, samplingRate: 1, steps: rounds };
  }
  const stage = stages[0];
  if (privacy === undefined || stage?.kind !== 'slice-pretraining') return null;
  const { noiseMultiplier, samplingRate } = privacy;
  return { noiseMultiplier, samplingRate, steps: stage.rounds * privateRoundSteps(stage, privacy) };
}

/** What one round runs, after so many private steps of its own; null for a plan without privacy. */
export function privateRound(
  { protection: { privacy, centralPrivacy } }: Pick<StudyPlan, 'protection'>,
  steps: number,
): RepeatedGaussian | null {
  if (centralPrivacy !== undefined) {
    return { noiseMultiplier: centralPrivacy.noiseMultiplier, samplingRate: 1, steps: 1 };
  }
  if (privacy === undefined) return null;
  return { noiseMultiplier: privacy.noiseMultiplier, samplingRate: privacy.samplingRate, steps };
}

/** The delta at which a private plan states its epsilon; null for one without privacy. */
export function privacyDelta({
  protection: { privacy, centralPrivacy },
}: Pick<StudyPlan, 'protection'>): number | null {
  return (centralPrivacy ?? privacy)?.delta ?? null;
}
