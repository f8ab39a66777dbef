/** What follows from the time alone, one step of it: deadlines that have passed and steps that wait for nothing. */
import type { StudyEvent } from './events.ts';
import { failRound } from './fail-round.ts';
import { answeredStep, fewestFor } from './session-state.ts';
import { sessionStepDue } from './session-timing.ts';
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
      if (sites.length < rules.quorum) return [{ kind: 'study-failed', atMillis, reason: 'quorum-not-ready' }];
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
      if (missing.length > 0 && atMillis < phase.deadlineMillis) return [];
      const where = { atMillis, stage: state.stages.length - 1, round: round.round };
      const leftOut = missing.map(
        (site): StudyEvent => ({ kind: 'site-left-out', ...where, site, reason: lastRefusal(round, site) ?? 'late' }),
      );
      if (round.session !== undefined) {
        const { session } = round;
        const hasEnough = answeredStep(session, 'advertise').length >= fewestFor(session, 'advertise', rules.quorum);
        if (!hasEnough) return [...leftOut, ...failRound(where, 'quorum-not-met')];
        const { deadlineMillis } = phase;
        return [
          ...leftOut,
          ...sessionStepDue(state, { ...round, session }, { step: 'advertise', deadlineMillis, atMillis }),
        ];
      }
      if (round.accepted.length < rules.quorum) return [...leftOut, ...failRound(where, 'quorum-not-met')];
      return [...leftOut, { kind: 'round-closed', ...where }];
    }
    case 'secure-session': {
      const round = currentRound(state);
      if (round === undefined || round.session === undefined) return [];
      return sessionStepDue(state, { ...round, session: round.session }, { ...phase, atMillis });
    }
    case 'aggregating': {
      const round = currentRound(state);
      if (round === undefined || round.accepted.length >= rules.quorum) return [];
      return failRound({ atMillis, stage: state.stages.length - 1, round: round.round }, 'quorum-not-met');
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

function lastRefusal(round: RoundState, site: string): string | undefined {
  return round.refused.findLast((refused) => refused.site === site)?.reason;
}
