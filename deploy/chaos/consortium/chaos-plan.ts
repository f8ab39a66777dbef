/** The smallest study with secure aggregation, with short deadlines and a server optimiser that remembers. */
import { testPlan } from '@wardround/coordinator/testing/test-coordinator.ts';
import { checkStudyPlan } from '@wardround/protocols/study/parse-plan.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';

export function chaosPlan(options: {
  readonly name: string;
  readonly rounds: number;
  readonly quorum: number;
  readonly sessionDeadlineSeconds?: number;
  readonly roundDeadlineSeconds?: number;
}): StudyPlan {
  const { name, rounds, quorum, sessionDeadlineSeconds = 60, roundDeadlineSeconds = 60 } = options;
  const base = testPlan({ rounds, quorum });
  return checkStudyPlan({
    ...base,
    name,
    stages: base.stages.slice(0, 1),
    participation: {
      ...base.participation,
      readyDeadlineSeconds: roundDeadlineSeconds,
      roundDeadlineSeconds,
      evaluationDeadlineSeconds: roundDeadlineSeconds,
      sessionDeadlineSeconds,
    },
    protection: { ...base.protection, mode: 'secure-aggregation', maximumSampleCount: 1 },
  });
}
