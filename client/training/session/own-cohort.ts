/** Which cohort of a round this site is in. */
import { cohortOf, cohortRules, cohortsOfRound } from '@wardround/protocols/round/cohorts.ts';
import { MOST_ATTEMPTS } from '@wardround/protocols/round/session-state.ts';
import type { SessionTerms } from '@wardround/protocols/secure-aggregation/messages.ts';
import type { PinnedRoster } from '@wardround/protocols/secure-aggregation/signed-message.ts';
import type { Work } from '@wardround/protocols/session/messages.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { DeclineError } from '../decline-error.ts';

/**
 * The cohort that this site computes for itself from the list of those that have trained. All of them are of its pinned roster,
 * and attempts are few, so that a coordinator has no more to choose than whom it leaves out. The first attempt has none,
 * and nobody goes on with it.
 *
 * @throws {DeclineError} `cohort-wrong` when that gives no cohort, or the plan has none.
 */
export function ownCohort(
  {
    work,
    plan,
  }: {
    readonly work: Pick<Extract<Work, { kind: 'secure-session' }>, 'trained' | 'study' | 'attempt'>;
    readonly plan: StudyPlan;
  },
  { site, roster }: { readonly site: string; readonly roster: Pick<PinnedRoster, 'signingKeys'> },
): SessionTerms['cohort'] {
  const rules = cohortRules(plan);
  const { trained, study, attempt } = work;
  if (rules === null) {
    if (trained !== undefined) throw cohortWrong();
    return undefined;
  }
  if (trained === undefined) {
    if (attempt > 1) throw cohortWrong();
    return undefined;
  }
  const isAttempt = attempt > 1 && attempt <= MOST_ATTEMPTS;
  const isList =
    new Set(trained).size === trained.length &&
    trained.includes(site) &&
    trained.every((other) => roster.signingKeys.has(other));
  const cohorts = isAttempt && isList ? cohortsOfRound(trained, { rules, study }) : null;
  if (cohorts === null) throw cohortWrong();
  return cohortOf(cohorts, site);
}

export function cohortWrong(): DeclineError {
  return new DeclineError(
    'cohort-wrong',
    'Cannot take part: the plan says otherwise than the coordinator who aggregates together in this round.',
  );
}
