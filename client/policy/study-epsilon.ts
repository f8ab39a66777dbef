import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { privacyDelta, privateTraining } from '@wardround/protocols/study/private-training.ts';
import { projectedEpsilon } from './privacy-budget.ts';

/** The epsilon that all rounds of the study spend of this site's patients; null when nothing bounds it. */
export function studyEpsilon(plan: StudyPlan): number | null {
  const training = privateTraining(plan);
  const delta = privacyDelta(plan);
  return training === null || delta === null ? null : projectedEpsilon([training], { delta });
}
