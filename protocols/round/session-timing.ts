/** What follows from the time in a round with secure aggregation: which step opens next, or why the attempt ends. */
import type { StudyEvent } from './events.ts';
import { mustHoldBack } from './membership-change.ts';
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
  if (!mustHoldBack(before, survivors)) return null;
  const skipped = skipRound(state, where, { reason: ONE_SITE_CHANGED });
  // A study is never ended for it.
  if (skipped.some(({ kind }) => kind !== 'round-skipped')) return null;
  const { attempt } = session;
  const aborted = { ...where, attempt, step: 'masked-input', reason: ONE_SITE_CHANGED, last: true } as const;
  return [{ kind: 'session-aborted', ...aborted }, ...skipped];
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
  if (!mayTryAgain || sites.length < fewestFor(round.session, 'advertise', state.rules.quorum)) {
    return [{ ...aborted, last: true }, ...skipRound(state, where, { reason })];
  }
  return [aborted, openStep(state, { ...where, attempt: attempt + 1, step: 'advertise', sites })];
}

function openStep(
  state: StudyState,
  step: Where & { readonly attempt: number; readonly step: SessionStep; readonly sites: readonly string[] },
): StudyEvent {
  const deadlineMillis = Math.round(step.atMillis + (state.rules.sessionWindowMillis ?? 0));
  return { kind: 'session-step-opened', ...step, sites: [...step.sites], deadlineMillis };
}

/** Those who trained and whose vector is not in the sum. */
function dropOuts(round: RoundState & { readonly session: SessionState }, where: Where): StudyEvent[] {
  const answered = new Set([...round.accepted, ...round.leftOut].map(({ site }) => site));
  return Object.keys(round.session.trained)
    .filter((site) => !answered.has(site))
    .sort()
    .map((site) => ({ kind: 'site-left-out', ...where, site, reason: 'dropped-out' }));
}
