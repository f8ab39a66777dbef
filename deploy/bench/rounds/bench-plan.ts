/** A study of nothing but rounds of averaging a model of a given size. */
import { checkStudyPlan } from '@wardround/protocols/study/parse-plan.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { describeSize } from './sized-models.ts';

export interface RoundsCase {
  readonly parameters: number;
  readonly sites: number;
  /** Two sites and one have no sum that hides them: they send sealed updates. */
  readonly mode: 'secure-aggregation' | 'sealed';
  readonly codeBits: 16 | 32;
  /** Measured ones. */
  readonly rounds: number;
}

/** No deadline is to decide what is measured. */
const DEADLINE_SECONDS = 3600;

export function benchPlan({ parameters, sites, mode, codeBits, rounds }: RoundsCase): StudyPlan {
  const base = smallPlan();
  return checkStudyPlan({
    ...base,
    name: 'rounds',
    description: describeSize(parameters),
    // The first round starts everything; one more than is measured keeps the sites at work until the last one is committed.
    stages: [{ ...base.stages[0], rounds: rounds + 2, server: { kind: 'fedavg', learningRate: 1 } }],
    participation: {
      quorum: sites,
      readyDeadlineSeconds: DEADLINE_SECONDS,
      roundDeadlineSeconds: DEADLINE_SECONDS,
      evaluationDeadlineSeconds: DEADLINE_SECONDS,
      sessionDeadlineSeconds: DEADLINE_SECONDS,
    },
    protection: { ...base.protection, mode, codeBits, maximumSampleCount: 1 },
  });
}
