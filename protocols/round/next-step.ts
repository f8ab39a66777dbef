/** What follows from the time alone, one step of it: deadlines that have passed and steps that wait for nothing. */
import { FEWEST_SITES } from '../secure-aggregation/parameters.ts';
import { addedCohorts } from './cohorts.ts';
import type { StudyEvent } from './events.ts';
import { answeredStep, fewestFor } from './session-state.ts';
import { sessionStepDue, TOO_FEW_COHORTS } from './session-timing.ts';
import { skipRound } from './skip-round.ts';
import {
  currentRound,
  currentStage,
  type LeftOut,
  type RoundState,
  readySites,
  type StudyState,
  unanswered,
} from './state.ts';

/** Empty when there is nothing to do before the next input or deadline. */
export function nextStep(state: StudyState, atMillis: number): StudyEvent[] {
  const { phase, rules } = state;
  if (state.paused !== undefined) return [];
  switch (phase.kind) {
    case 'waiting-for-sites': {
      const sites = Object.values(state.sites);
      const allAnswered = sites.length > 0 && sites.every(({ status }) => status !== 'invited');
      if (!allAnswered && atMillis < phase.deadlineMillis) return [];
      if (readySites(state).length < rules.quorum)
        return [{ kind: 'study-failed', atMillis, reason: 'quorum-not-ready' }];
      return [{ kind: 'study-started', atMillis }];
    }
    case 'between-rounds': {
      const stage = currentStage(state);
      if (stage === undefined) return [];
      const sites = readySites(state);
      if (sites.length < fewestForRound(state)) return [{ kind: 'study-failed', atMillis, reason: 'quorum-not-ready' }];
      return [
        {
          kind: 'round-opened',
          atMillis,
          stage: state.stages.length - 1,
          round: stage.rounds.length + 1,
          model: stage.model,
          sites,
          deadlineMillis: Math.round(atMillis + rules.roundWindowMillis),
        },
      ];
    }
    case 'training': {
      const round = currentRound(state);
      if (round === undefined) return [];
      const missing = unanswered(round);
      const where = { atMillis, stage: state.stages.length - 1, round: round.round };
      if (missing.length > 0 && atMillis < phase.deadlineMillis) return graceDue(state, round, where);
      const leftOut = missing.map(
        (site): StudyEvent => ({ kind: 'site-left-out', ...where, site, reason: lastRefusal(round, site) ?? 'late' }),
      );
      if (round.session !== undefined) {
        const { session } = round;
        const hasEnough = advertised(round).length >= fewestFor(session, 'advertise', rules.quorum);
        if (!hasEnough) return [...leftOut, ...skipRound(state, where, { reason: 'quorum-not-met' })];
        const { deadlineMillis } = phase;
        return [
          ...leftOut,
          ...sessionStepDue(state, { ...round, session }, { step: 'advertise', deadlineMillis, atMillis }),
        ];
      }
      if (round.accepted.length < rules.quorum) {
        return [...leftOut, ...skipRound(state, where, { reason: 'quorum-not-met' })];
      }
      return [...leftOut, { kind: 'round-closed', ...where }];
    }
    case 'secure-session': {
      const round = currentRound(state);
      if (round === undefined || round.session === undefined) return [];
      return sessionStepDue(state, { ...round, session: round.session }, { ...phase, atMillis });
    }
    case 'aggregating': {
      const round = currentRound(state);
      if (round === undefined) return [];
      const where = { atMillis, stage: state.stages.length - 1, round: round.round };
      const cohorts = addedCohorts(round);
      const isTooFew = cohorts !== null && cohorts.length < (rules.cohorts?.fewest ?? 0);
      if (isTooFew) return skipRound(state, where, { reason: TOO_FEW_COHORTS });
      if (round.accepted.length >= rules.quorum) return [];
      return skipRound(state, where, { reason: 'quorum-not-met' });
    }
    case 'before-evaluation':
      return [
        {
          kind: 'evaluation-opened',
          atMillis,
          sites: readySites(state),
          deadlineMillis: Math.round(atMillis + rules.evaluationWindowMillis),
        },
      ];
    case 'evaluating': {
      const { evaluation } = state;
      if (evaluation === null) return [];
      const missing: LeftOut[] = [];
      let awaited = 0;
      for (const site of evaluation.sites) {
        if (evaluation.reports[site] !== undefined) continue;
        const now = state.sites[site];
        if (now?.status === 'declined') {
          missing.push({ site, reason: now.reason });
        } else {
          missing.push({ site, reason: 'late' });
          awaited += 1;
        }
      }
      if (awaited > 0 && atMillis < phase.deadlineMillis) return [];
      return [{ kind: 'evaluation-closed', atMillis, missing }];
    }
    case 'evaluated':
      return [{ kind: 'study-finished', atMillis }];
    case 'starting-stage':
    case 'finished':
    case 'failed':
    case 'aborted':
      return [];
    default:
      phase satisfies never;
      return [];
  }
}

/** The round is sure to count: whoever is not there yet has the grace, and never longer than the deadline. */
function graceDue(
  { phase, rules }: StudyState,
  round: RoundState,
  where: { readonly atMillis: number; readonly stage: number; readonly round: number },
): StudyEvent[] {
  if (phase.kind !== 'training' || rules.graceMillis === undefined || phase.quorumAtMillis !== undefined) return [];
  const { session } = round;
  const answered = session === undefined ? round.accepted.length : advertised(round).length;
  const fewest = session === undefined ? rules.quorum : fewestFor(session, 'advertise', rules.quorum);
  const deadlineMillis = Math.round(where.atMillis + rules.graceMillis);
  if (answered < fewest || deadlineMillis >= phase.deadlineMillis) return [];
  return [{ kind: 'quorum-reached', ...where, deadlineMillis }];
}

/** The sites that have trained and not left since. */
function advertised({ session, leftOut }: RoundState): string[] {
  const left = new Set(leftOut.map(({ site }) => site));
  return session === undefined ? [] : answeredStep(session, 'advertise').filter((site) => !left.has(site));
}

/** A round that could not come to a result is not opened. */
function fewestForRound({ rules }: StudyState): number {
  return rules.sessionWindowMillis === undefined ? rules.quorum : Math.max(rules.quorum, FEWEST_SITES);
}

/** What came too late for another round says nothing about this one. */
function lastRefusal(round: RoundState, site: string): string | undefined {
  return round.refused.findLast((refused) => refused.site === site && refused.reason !== 'late-update')?.reason;
}
