/** What follows from the time in a round with secure aggregation: which step opens next, or why the attempt ends. */
import { addedCohorts, cohortsOfRound, fewestOfCohort, membersAmong } from './cohorts.ts';
import type { StudyEvent } from './events.ts';
import { changesBetween, mustHoldBack } from './membership-change.ts';
import {
  answeredStep,
  awaitedInStep,
  fewestFor,
  MOST_ATTEMPTS,
  type SessionState,
  type SessionStep,
  stepAfter,
} from './session-state.ts';
import { skipRound } from './skip-round.ts';
import { currentStage, type RoundState, type StudyState } from './state.ts';

/** Why a site is left out that has done its part: too many others of its cohort have not. */
export const COHORT_LOST = 'cohort-too-small';
/** Why a round is skipped: fewer cohorts are left than its rule needs. */
export const TOO_FEW_COHORTS = 'too-few-cohorts';

interface Where {
  readonly atMillis: number;
  readonly stage: number;
  readonly round: number;
}

/** The events that are due in the round's open step; empty while it waits for sites. */
export function sessionStepDue(
  state: StudyState,
  round: RoundState & { readonly session: SessionState },
  open: { readonly step: SessionStep; readonly deadlineMillis: number; readonly atMillis: number },
): StudyEvent[] {
  const { step, deadlineMillis, atMillis } = open;
  const { session } = round;
  if (awaitedInStep(round, step).length > 0 && atMillis < deadlineMillis) return [];

  const where = { atMillis, stage: state.stages.length - 1, round: round.round };
  const left = new Set(round.leftOut.map(({ site }) => site));
  const isKept = (site: string): boolean => step === 'consistency' || step === 'unmask' || !left.has(site);
  const answered = answeredStep(session, step).filter(isKept);
  if (state.rules.cohorts !== undefined) return cohortStepDue(state, round, { step, where, answered });
  if (answered.length < fewestFor(session, step, state.rules.quorum)) {
    return endAttempt(state, round, {
      where,
      step,
      reason: step === 'unmask' ? 'too-few-shares' : 'too-few-survivors',
    });
  }
  if (step === 'masked-input') {
    const heldBack = holdBack(state, round, { where, survivors: answered });
    if (heldBack !== null) return heldBack;
  }
  if (step === 'unmask') return [...dropOuts(round, where), { kind: 'round-closed', ...where }];
  return [openStep(state, { ...where, attempt: session.attempt, step: stepAfter(step), sites: answered })];
}

/**
 * As above, cohort by cohort. The first attempt's keys only say who has trained: the cohorts are formed of those, and another
 * attempt begins with keys for them. From then on a cohort that too few of its sites have answered for is left out.
 */
function cohortStepDue(
  state: StudyState,
  round: RoundState & { readonly session: SessionState },
  {
    step,
    where,
    answered,
  }: { readonly step: SessionStep; readonly where: Where; readonly answered: readonly string[] },
): StudyEvent[] {
  const { quorum, cohorts: rules } = state.rules;
  const { session } = round;
  const { attempt, cohorts } = session;
  if (rules === undefined) return [];
  if (cohorts === undefined) {
    const next = { ...where, attempt: attempt + 1, step: 'advertise', sites: answered } as const;
    const opened = openAttempt(state, next);
    return opened === null ? skipRound(state, where, { reason: TOO_FEW_COHORTS }) : [opened];
  }
  const asked = membersAmong(cohorts, session.steps[step]?.sites ?? []);
  const has = new Set(answered);
  const standing = asked.filter(({ members, cohort }) => {
    const fewest = fewestOfCohort(session, { step, cohort: cohorts[cohort] ?? [], size: rules.size });
    return members.filter((site) => has.has(site)).length >= fewest;
  });
  const going = new Set(standing.flatMap(({ members }) => members));
  const sites = answered.filter((site) => going.has(site));
  const isBound = step === 'consistency' || step === 'unmask';
  if (standing.length < rules.fewest || (!isBound && sites.length < quorum)) {
    return endAttempt(state, round, { where, step, reason: TOO_FEW_COHORTS });
  }
  const gone = new Set(round.leftOut.map(({ site }) => site));
  const lost = asked
    .flatMap(({ members }) => members)
    .filter((site) => !going.has(site) && !gone.has(site))
    .map((site) => ({ site, reason: has.has(site) ? COHORT_LOST : 'dropped-out' }));
  const leaving = lost.map(({ site, reason }): StudyEvent => ({ kind: 'site-left-out', ...where, site, reason }));
  if (step === 'masked-input') {
    const heldBack = holdBack(state, round, { where, survivors: sites });
    if (heldBack !== null) return [...leaving, ...heldBack];
  }
  if (step === 'unmask') {
    const without = { ...round, leftOut: [...round.leftOut, ...lost] };
    return [...leaving, ...dropOuts(without, where), { kind: 'round-closed', ...where }];
  }
  return [...leaving, openStep(state, { ...where, attempt, step: stepAfter(step), sites })];
}

const ONE_SITE_CHANGED = 'one-site-changed';

/** Skips the round before anything of it is revealed, when its sum and the last one would give a single site away. */
function holdBack(
  state: StudyState,
  { session }: { readonly session: SessionState },
  { where, survivors }: { readonly where: Where; readonly survivors: readonly string[] },
): StudyEvent[] | null {
  if (state.rules.stableCohorts !== true) return null;
  const before = (currentStage(state)?.rounds.slice(0, -1) ?? []).map(({ outcome, accepted }) => ({
    survivors:
      outcome?.kind === 'committed' || outcome?.kind === 'rolled-back' ? accepted.map(({ site }) => site) : null,
    isHeldBack: outcome?.kind === 'skipped' && outcome.reason === ONE_SITE_CHANGED,
  }));
  if (!mustHoldBack(before, survivors) && !mustHoldBackCohorts(state, { before, session, survivors })) return null;
  const skipped = skipRound(state, where, { reason: ONE_SITE_CHANGED });
  // A study is never ended for it.
  if (skipped.some(({ kind }) => kind !== 'round-skipped')) return null;
  const { attempt } = session;
  const aborted = { ...where, attempt, step: 'masked-input', reason: ONE_SITE_CHANGED, last: true } as const;
  return [{ kind: 'session-aborted', ...aborted }, ...skipped];
}

/** The same of each cohort's sum against each of the last round's. */
function mustHoldBackCohorts(
  state: StudyState,
  {
    before,
    session,
    survivors,
  }: {
    readonly before: readonly { readonly survivors: readonly string[] | null; readonly isHeldBack: boolean }[];
    readonly session: SessionState;
    readonly survivors: readonly string[];
  },
): boolean {
  const last = currentStage(state)?.rounds[before.findLastIndex((round) => round.survivors !== null)];
  const then = last === undefined ? null : addedCohorts(last);
  if (then === null || session.cohorts === undefined || before.at(-1)?.isHeldBack === true) return false;
  const now = membersAmong(session.cohorts, survivors);
  return now.some((own) => then.some(({ members }) => changesBetween(members, own.members) === 1));
}

/** Another attempt with everybody who has trained, or the end of the round. */
export function endAttempt(
  state: StudyState,
  round: RoundState & { readonly session: SessionState },
  { where, step, reason }: { readonly where: Where; readonly step: SessionStep; readonly reason: string },
): StudyEvent[] {
  const { attempt, trained } = round.session;
  const aborted = { kind: 'session-aborted', ...where, attempt, step, reason } as const;
  const left = new Set(round.leftOut.map(({ site }) => site));
  const sites = Object.keys(trained)
    .filter((site) => !left.has(site))
    .sort();
  // After a share may have been revealed, another sum of this round must never be.
  const mayTryAgain = step !== 'unmask' && attempt < MOST_ATTEMPTS;
  const hasEnough = sites.length >= fewestFor(round.session, 'advertise', state.rules.quorum);
  const next =
    mayTryAgain && hasEnough ? openAttempt(state, { ...where, attempt: attempt + 1, step: 'advertise', sites }) : null;
  return next === null ? [{ ...aborted, last: true }, ...skipRound(state, where, { reason })] : [aborted, next];
}

/** Null when the sites are too few for the cohorts that the study's rule needs. */
function openAttempt(
  state: StudyState,
  next: Where & { readonly attempt: number; readonly step: 'advertise'; readonly sites: readonly string[] },
): StudyEvent | null {
  const { cohorts: rules } = state.rules;
  if (rules === undefined) return openStep(state, next);
  const cohorts = cohortsOfRound(next.sites, { rules, study: state.study });
  return cohorts === null ? null : openStep(state, { ...next, cohorts });
}

function openStep(
  state: StudyState,
  {
    cohorts,
    ...step
  }: Where & {
    readonly attempt: number;
    readonly step: SessionStep;
    readonly sites: readonly string[];
    readonly cohorts?: readonly (readonly string[])[];
  },
): StudyEvent {
  const deadlineMillis = Math.round(step.atMillis + (state.rules.sessionWindowMillis ?? 0));
  const formed = cohorts !== undefined && { cohorts: cohorts.map((members) => [...members]) };
  return { kind: 'session-step-opened', ...step, sites: [...step.sites], ...formed, deadlineMillis };
}

/** Those who trained and whose vector is not in the sum. */
function dropOuts(round: RoundState & { readonly session: SessionState }, where: Where): StudyEvent[] {
  const answered = new Set([...round.accepted, ...round.leftOut].map(({ site }) => site));
  return Object.keys(round.session.trained)
    .filter((site) => !answered.has(site))
    .sort()
    .map((site) => ({ kind: 'site-left-out', ...where, site, reason: 'dropped-out' }));
}
