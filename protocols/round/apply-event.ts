/** The fold: one event applied to a study's state. Pure; throws only for a journal that no machine could have written. */
import type { StudyEvent } from './events.ts';
import { openSession, type SessionState } from './session-state.ts';
import {
  currentRound,
  currentStage,
  type EvaluationState,
  isOver,
  type Phase,
  type RoundState,
  type StageState,
  type StudyState,
} from './state.ts';

/** @throws {RangeError} when the event cannot follow the state: the journal is damaged or not of this study. */
export function applyEvent(state: StudyState | null, event: StudyEvent): StudyState {
  const next = follow(state, event);
  if (state?.paused === undefined || next.paused === undefined || next.phase === state.phase) return next;
  // A phase that begins during a pause has all of its time yet.
  const remainingMillis = 'deadlineMillis' in next.phase ? next.phase.deadlineMillis - event.atMillis : null;
  return { ...next, paused: { ...next.paused, remainingMillis } };
}

function follow(state: StudyState | null, event: StudyEvent): StudyState {
  if (event.kind === 'study-launched') {
    if (state !== null) throw impossible(event);
    return {
      study: event.study,
      name: event.name,
      planBlob: event.planBlob,
      rules: event.rules,
      launchedAtMillis: event.atMillis,
      endedAtMillis: null,
      phase: { kind: 'waiting-for-sites', deadlineMillis: event.deadlineMillis },
      sites: Object.fromEntries(event.sites.map((site) => [site, { status: 'invited' as const }])),
      stages: [],
      evaluation: null,
    };
  }
  if (state === null) throw impossible(event);

  switch (event.kind) {
    case 'site-invited':
      return { ...state, sites: { ...state.sites, [event.site]: { status: 'invited' } } };
    case 'site-ready':
      return { ...state, sites: { ...state.sites, [event.site]: { status: 'ready', ready: event.ready } } };
    case 'site-declined': {
      const before = state.sites[event.site];
      const ready = before === undefined || before.status === 'invited' ? null : before.ready;
      const declined = { status: 'declined' as const, reason: event.reason, ready };
      return { ...state, sites: { ...state.sites, [event.site]: declined } };
    }
    case 'study-started':
      return { ...state, phase: { kind: 'starting-stage', stage: 0 } };
    case 'stage-started': {
      const rule = state.rules.stages[event.stage];
      if (rule === undefined || event.stage !== state.stages.length) throw impossible(event);
      const stage: StageState = {
        name: rule.name,
        kind: rule.kind,
        layout: event.layout,
        initialModel: event.model,
        model: event.model,
        optimiserState: null,
        rounds: [],
      };
      return { ...state, phase: { kind: 'between-rounds' }, stages: [...state.stages, stage] };
    }
    case 'round-opened': {
      const round: RoundState = {
        round: event.round,
        startModel: event.model,
        sites: event.sites,
        openedAtMillis: event.atMillis,
        accepted: [],
        leftOut: [],
        refused: [],
        closedAtMillis: null,
        outcome: null,
        ...(state.rules.sessionWindowMillis !== undefined && { session: openSession(event.sites) }),
      };
      const stage = currentStage(state);
      if (stage === undefined || event.round !== stage.rounds.length + 1) throw impossible(event);
      const opened = replaceStage(state, { ...stage, rounds: [...stage.rounds, round] });
      return { ...opened, phase: { kind: 'training', deadlineMillis: event.deadlineMillis } };
    }
    case 'update-accepted': {
      const { site, blob, figures, bytes, atMillis } = event;
      return changeRound(state, event, (round) => ({
        ...round,
        accepted: [...round.accepted, { site, blob, figures, bytes, atMillis }],
      }));
    }
    case 'site-left-out':
      return changeRound(state, event, (round) => ({
        ...round,
        // While updates are being added, one that turns out to be unreadable leaves the accepted ones again.
        accepted: round.accepted.filter(({ site }) => site !== event.site),
        leftOut: [...round.leftOut, { site: event.site, reason: event.reason }],
      }));
    case 'offer-refused':
      return changeRound(state, event, (round) => ({
        ...round,
        refused: [
          ...round.refused,
          {
            site: event.site,
            reason: event.reason,
            ...(event.offered !== undefined && { offered: event.offered }),
          },
        ],
      }));
    case 'quorum-reached': {
      if (state.phase.kind !== 'training') throw impossible(event);
      const { atMillis, deadlineMillis } = event;
      const noted = changeRound(state, event, (round) => round);
      return { ...noted, phase: { kind: 'training', deadlineMillis, quorumAtMillis: atMillis } };
    }
    case 'session-message': {
      const { site, step, body, figures, vector, atMillis } = event;
      return changeSession(state, event, (session, round) => {
        const asked = session.steps[step];
        const trained = figures === null ? session.trained : { ...session.trained, [site]: figures };
        const own = trained[site];
        if (asked === undefined || own === undefined) throw impossible(event);
        const messages = { ...asked.messages, [site]: { body } };
        const steps = { ...session.steps, [step]: { ...asked, messages } };
        const accepted = vector === null ? [] : [{ site, ...vector, figures: own, atMillis }];
        return { ...round, accepted: [...round.accepted, ...accepted], session: { ...session, trained, steps } };
      });
    }
    case 'session-conflict': {
      const { attempt, step, site, body } = event;
      return changeSession(state, event, (session, round) => ({
        ...round,
        session: { ...session, conflicts: [...session.conflicts, { attempt, step, site, body }] },
      }));
    }
    case 'session-step-opened': {
      const { attempt, step, sites, cohorts, deadlineMillis } = event;
      const opened = changeSession(state, event, (session, round) => {
        const before = step === 'advertise' ? {} : session.steps;
        const steps = { ...before, [step]: { sites, messages: {} } };
        return { ...round, session: { ...session, attempt, steps, ...(cohorts !== undefined && { cohorts }) } };
      });
      return { ...opened, phase: { kind: 'secure-session', step, deadlineMillis } };
    }
    case 'session-aborted': {
      const { attempt, step, reason, last } = event;
      return changeSession(state, event, (session, round) => ({
        ...round,
        // What was masked for this attempt is of no use for another.
        accepted: [],
        session: {
          ...session,
          ...(last !== true && { steps: {} }),
          aborts: [...session.aborts, { attempt, step, reason }],
        },
      }));
    }
    case 'round-closed': {
      const closed = changeRound(state, event, (round) => ({ ...round, closedAtMillis: event.atMillis }));
      return { ...closed, phase: { kind: 'aggregating' } };
    }
    case 'round-committed': {
      const { atMillis, model, participants, sum, transcript, cohortSums, updateNorm } = event;
      const published = {
        ...(sum !== undefined && { sum }),
        ...(transcript !== undefined && { transcript }),
        ...(cohortSums !== undefined && { cohortSums }),
        ...(updateNorm !== undefined && { updateNorm }),
      };
      const committed = changeRound(state, event, (round) => ({
        ...round,
        outcome: { kind: 'committed', atMillis, model, participants, ...published },
      }));
      const stage = currentStage(committed);
      if (stage === undefined) throw impossible(event);
      const fallback = { model: stage.model, optimiserState: stage.optimiserState };
      const moved = replaceStage(committed, {
        ...stage,
        model,
        optimiserState: event.optimiserState,
        ...(state.rules.gate !== undefined && { fallback }),
      });
      return { ...moved, phase: phaseAfterRound(state, event.stage, event.round) };
    }
    case 'round-rolled-back': {
      const { atMillis, reason, rejectedModel, model, optimiserState, sum, transcript, cohortSums } = event;
      const published = {
        ...(sum !== undefined && { sum }),
        ...(transcript !== undefined && { transcript }),
        ...(cohortSums !== undefined && { cohortSums }),
      };
      const rolledBack = changeRound(state, event, (round) => ({
        ...round,
        outcome: { kind: 'rolled-back', atMillis, reason, rejectedModel, model, ...published },
      }));
      const stage = currentStage(rolledBack);
      if (stage === undefined) throw impossible(event);
      const moved = replaceStage(rolledBack, { ...stage, model, optimiserState });
      return { ...moved, phase: phaseAfterRound(state, event.stage, event.round) };
    }
    case 'round-skipped': {
      const { atMillis, reason, transcript } = event;
      const skipped = changeRound(state, event, (round) => ({
        ...round,
        closedAtMillis: round.closedAtMillis ?? atMillis,
        outcome: { kind: 'skipped', atMillis, reason, ...(transcript !== undefined && { transcript }) },
      }));
      return { ...skipped, phase: phaseAfterRound(state, event.stage, event.round) };
    }
    case 'round-failed': {
      const { atMillis, reason } = event;
      return changeRound(state, event, (round) => ({
        ...round,
        closedAtMillis: round.closedAtMillis ?? atMillis,
        outcome: { kind: 'failed', atMillis, reason },
      }));
    }
    case 'deadline-extended':
      if (!('deadlineMillis' in state.phase)) throw impossible(event);
      return { ...state, phase: { ...state.phase, deadlineMillis: event.deadlineMillis } };
    case 'study-paused': {
      if (isOver(state)) throw impossible(event);
      const { phase } = state;
      const remainingMillis = 'deadlineMillis' in phase ? Math.max(0, phase.deadlineMillis - event.atMillis) : null;
      return { ...state, paused: { sinceMillis: event.atMillis, remainingMillis } };
    }
    case 'study-resumed': {
      const { paused, ...running } = state;
      const { phase } = running;
      const { atMillis, deadlineMillis } = event;
      const hasDeadline = 'deadlineMillis' in phase;
      if (paused === undefined || hasDeadline !== (deadlineMillis !== null)) throw impossible(event);
      const resumed = { ...running, resumedAtMillis: atMillis };
      return hasDeadline && deadlineMillis !== null ? { ...resumed, phase: { ...phase, deadlineMillis } } : resumed;
    }
    case 'evaluation-opened': {
      const evaluation: EvaluationState = {
        openedAtMillis: event.atMillis,
        sites: event.sites,
        reports: {},
        missing: [],
        closedAtMillis: null,
      };
      return { ...state, evaluation, phase: { kind: 'evaluating', deadlineMillis: event.deadlineMillis } };
    }
    case 'evaluation-received': {
      if (state.evaluation === null) throw impossible(event);
      const reports = { ...state.evaluation.reports, [event.site]: { report: event.report, bytes: event.bytes } };
      return { ...state, evaluation: { ...state.evaluation, reports } };
    }
    case 'evaluation-closed': {
      if (state.evaluation === null) throw impossible(event);
      const evaluation = { ...state.evaluation, missing: event.missing, closedAtMillis: event.atMillis };
      return { ...state, evaluation, phase: { kind: 'evaluated' } };
    }
    case 'study-finished':
      return end(state, { kind: 'finished' }, event.atMillis);
    case 'study-failed':
      return end(state, { kind: 'failed', reason: event.reason }, event.atMillis);
    case 'study-aborted':
      return end(state, { kind: 'aborted' }, event.atMillis);
    default:
      event satisfies never;
      throw new TypeError('Cannot apply an event of an unknown kind');
  }
}

function end({ paused: _, ...state }: StudyState, phase: Phase, atMillis: number): StudyState {
  return { ...state, phase, endedAtMillis: atMillis };
}

function phaseAfterRound(state: StudyState, stageIndex: number, round: number): Phase {
  const rule = state.rules.stages[stageIndex];
  if (rule !== undefined && round < rule.rounds) return { kind: 'between-rounds' };
  if (stageIndex + 1 < state.rules.stages.length) return { kind: 'starting-stage', stage: stageIndex + 1 };
  return { kind: 'before-evaluation' };
}

function changeRound(
  state: StudyState,
  event: StudyEvent & { readonly stage: number; readonly round: number },
  change: (round: RoundState) => RoundState,
): StudyState {
  const stage = currentStage(state);
  const round = currentRound(state);
  if (
    stage === undefined ||
    round === undefined ||
    event.stage !== state.stages.length - 1 ||
    event.round !== round.round
  ) {
    throw impossible(event);
  }
  return replaceStage(state, { ...stage, rounds: [...stage.rounds.slice(0, -1), change(round)] });
}

function changeSession(
  state: StudyState,
  event: StudyEvent & { readonly stage: number; readonly round: number },
  change: (session: SessionState, round: RoundState) => RoundState,
): StudyState {
  return changeRound(state, event, (round) => {
    if (round.session === undefined) throw impossible(event);
    return change(round.session, round);
  });
}

function replaceStage(state: StudyState, stage: StageState): StudyState {
  return { ...state, stages: [...state.stages.slice(0, -1), stage] };
}

function impossible(event: StudyEvent): RangeError {
  return new RangeError(
    `Cannot continue the study: its journal holds "${event.kind}" where that cannot happen, so it is damaged or mixed with another`,
  );
}
