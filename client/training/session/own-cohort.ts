/** Which cohort of a round this site is in. */
import { cohortOf, cohortRules, cohortsOfRound } from '@wardround/protocols/round/cohorts.ts';
import type { SessionTerms } from '@wardround/protocols/secure-aggregation/messages.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { DeclineError } from '../decline-error.ts';
import type { SessionWork } from './perform-session-step.ts';

/**
 * The cohort that this site computes for itself from the list of those that have trained: the coordinator cannot choose with
 * whom it is. The first attempt has none, and nobody goes on with it.
 */
export function ownCohort(
  {
    work,
    plan,
  }: {
    readonly work: Pick<SessionWork, 'trained' | 'study' | 'stage' | 'round' | 'attempt'>;
    readonly plan: StudyPlan;
  },
  site: string,
): SessionTerms['cohort'] {
  const rules = cohortRules(plan);
  const { trained, study, stage, round, attempt } = work;
  if (rules === null) {
    if (trained !== undefined) throw cohortWrong();
    return undefined;
  }
  if (trained === undefined) {
    if (attempt > 1) throw cohortWrong();
    return undefined;
  }
  const isStable = plan.protection.stableCohorts === true;
  const isList = new Set(trained).size === trained.length && trained.includes(site) && attempt > 1;
  const cohorts = isList ? cohortsOfRound(trained, { rules, place: { study, stage, round, attempt, isStable } }) : null;
  if (cohorts === null) throw cohortWrong();
  return cohortOf(cohorts, site);
}

export function cohortWrong(): DeclineError {
  return new DeclineError(
    'cohort-wrong',
    'Cannot take part: the plan says otherwise than the coordinator who aggregates together in this round.',
  );
}
