/**
 * Cohorts of a round: the sites that have trained are divided, each cohort has a secure-aggregation session of its own, and a
 * robust rule over the cohorts' sums takes the place of the mean. All of them take the same steps at the same time.
 *
 * Who is in which cohort follows from the study's hash and the list of those that trained, so that nobody chooses it and every
 * site computes it for itself. The same sites meet in the same cohorts in every round: sums of different groupings, set against
 * each other, would tell of single sites.
 */
import { assignCohorts } from '@wardround/shared/aggregation/robust/cohorts.ts';
import { fewestUpdates } from '@wardround/shared/aggregation/robust/robust-rule.ts';
import { hashOfJson, type Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { SessionTerms } from '../secure-aggregation/messages.ts';
import { FEWEST_SITES, sessionParameters } from '../secure-aggregation/parameters.ts';
import { cohortRule, type StudyPlan } from '../study/plan.ts';
import type { SessionState, SessionStep } from './session-state.ts';
import type { RoundState } from './state.ts';

/** The plan's `protection.cohorts`, as far as rounds need it. */
export interface CohortRules {
  /** Sites of a cohort, at least. */
  readonly size: number;
  /** Cohorts that the rule needs. */
  readonly fewest: number;
}

/** Null for a plan without cohorts. */
export function cohortRules(plan: Pick<StudyPlan, 'protection'>): CohortRules | null {
  const rule = cohortRule(plan);
  const { cohorts } = plan.protection;
  return cohorts === undefined || rule === null ? null : { size: cohorts.size, fewest: fewestUpdates(rule) };
}

/**
 * As many cohorts as there are sites for; null when they are too few for the rule.
 *
 * @returns each cohort's sites, sorted.
 */
export function cohortsOfRound(
  sites: readonly string[],
  { rules, study }: { readonly rules: CohortRules; readonly study: Sha256Hex },
): string[][] | null {
  const cohorts = Math.floor(sites.length / rules.size);
  if (cohorts < rules.fewest) return null;
  const seed = hashOfJson('round-cohorts/1', { study });
  return assignCohorts(sites, { seed, cohorts, fewest: { cohorts: rules.fewest, sites: rules.size } });
}

/** What the session of a site's cohort is about; undefined for a site that is in none. */
export function cohortOf(cohorts: readonly (readonly string[])[], site: string): SessionTerms['cohort'] {
  const index = cohorts.findIndex((members) => members.includes(site));
  return index === -1 ? undefined : { index, of: cohorts.length, members: [...(cohorts[index] ?? [])] };
}

/** Of each cohort those of the sites that are in it; cohorts without any are left out. */
export function membersAmong(
  cohorts: readonly (readonly string[])[],
  sites: readonly string[],
): { readonly cohort: number; readonly members: readonly string[] }[] {
  const among = new Set(sites);
  return cohorts
    .map((members, cohort) => ({ cohort, members: members.filter((site) => among.has(site)) }))
    .filter(({ members }) => members.length > 0);
}

/** Sites of one cohort that must have answered a step for it to go on. */
export function fewestOfCohort(
  session: SessionState,
  { step, cohort, size }: { readonly step: SessionStep; readonly cohort: readonly string[]; readonly size: number },
): number {
  if (step === 'advertise') return Math.max(size, FEWEST_SITES);
  const begun = session.steps['share-keys']?.sites ?? [];
  const members = begun.filter((site) => cohort.includes(site)).length;
  return members < FEWEST_SITES ? FEWEST_SITES : sessionParameters(members).fewestSurvivors;
}

/** The cohorts whose vectors are to be added, with the sites of each, sorted; null in a round without cohorts. */
export function addedCohorts({
  session,
  accepted,
}: Pick<RoundState, 'session' | 'accepted'>):
  | { readonly cohort: number; readonly members: readonly string[] }[]
  | null {
  if (session?.cohorts === undefined) return null;
  return membersAmong(
    session.cohorts,
    accepted.map(({ site }) => site),
  );
}
