/** The smallest plan with secure aggregation: one stage. */
import { testPlan } from '@wardround/coordinator/testing/test-coordinator.ts';
import { checkStudyPlan } from '@wardround/protocols/study/parse-plan.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';

export function securePlan({ rounds }: { readonly rounds: number }): StudyPlan {
  const base = testPlan({ rounds });
  return checkStudyPlan({
    ...base,
    stages: base.stages.slice(0, 1),
    participation: { ...base.participation, sessionDeadlineSeconds: 60 },
    protection: { ...base.protection, mode: 'secure-aggregation' },
  });
}
