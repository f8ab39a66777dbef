/** What follows from one input in a state in which nothing else is due. */
import { hashOfJson } from '@wardround/shared/bytes/hash.ts';
import type { SiteReady } from '../session/messages.ts';
import { addedCohorts } from './cohorts.ts';
import { accept, type Decision, nothing, refuse } from './decision.ts';
import type { StudyEvent } from './events.ts';
import { rollBack } from './gate.ts';
import { noteRefusal } from './note-refusal.ts';
import type { RefusalCode } from './refusals.ts';
import { leaveSession, respondToBrokenSession, respondToSessionMessage } from './respond-to-session.ts';
import { awaitedInStep } from './session-state.ts';
import { COHORT_LOST } from './session-timing.ts';
import { skipRound } from './skip-round.ts';
import { currentRound, isOver, type RoundState, type StageState, type StudyState, unanswered } from './state.ts';
import type { StudyInput, UpdateInput } from './study-input.ts';

/** How long after a restart sites may take to come back, at most; never more than the phase's own window. */
const restartGraceMillis = 600_000;

export function respond(state: StudyState, input: StudyInput, atMillis: number): Decision {
  switch (input.kind) {
    case 'invite':
      if (isOver(state) || state.sites[input.site] !== undefined) return nothing;
      return accept({ kind: 'site-invited', atMillis, site: input.site });
    case 'ready':
      return respondToReady(state, input.site, input.ready, atMillis);
    case 'decline':
      return respondToDecline(state, input.site, input.reason, atMillis);
    case 'update':
      return respondToUpdate(state, input, atMillis);
    case 'session-message': {
      const turn = findTurn(state, input);
      return typeof turn === 'string'
        ? refuse(turn)
        : respondToSessionMessage(state, turn, { message: input, atMillis });
    }
    case 'decline-round': {
      const turn = findTurn(state, input);
      if (typeof turn === 'string') return refuse(turn);
      const { round, where } = turn;
      if (round.leftOut.some(({ site }) => site === input.site)) return nothing;
      if (round.accepted.some(({ site }) => site === input.site)) return refuse('already-accepted');
      if (!isOpen(state, round) && !mayLeaveSession(state, round, input.site)) return refuse('late');
      return accept({ kind: 'site-left-out', atMillis, ...where, site: input.site, reason: input.reason });
    }
    case 'session-broken':
      return respondToBrokenSession(state, input, atMillis);
    case 'evaluation':
      return respondToEvaluation(state, input, atMillis);
    case 'abort':
      return isOver(state) ? nothing : accept({ kind: 'study-aborted', atMillis });
    case 'pause':
      if (isOver(state)) return refuse('study-over');
      return state.paused === undefined ? accept({ kind: 'study-paused', atMillis }) : nothing;
    case 'resume':
      return respondToResume(state, atMillis);
    case 'stage-prepared':
      if (state.phase.kind !== 'starting-stage' || state.phase.stage !== input.stage) return refuse('out-of-turn');
      return accept({ kind: 'stage-started', atMillis, stage: input.stage, layout: input.layout, model: input.model });
    case 'aggregated': {
      const round = aggregatingRound(state, input);
      if (round === null) return refuse('out-of-turn');
      const { model, updateNorm, sum, transcript, cohortSums } = input;
      const where = { atMillis, stage: input.stage, round: input.round };
      const rolledBack = rollBack(state, { round, model, updateNorm, sum, transcript, cohortSums }, where);
      if (rolledBack !== null) return { events: rolledBack, refusal: null };
      return accept({
        kind: 'round-committed',
        atMillis,
        stage: input.stage,
        round: input.round,
        participants: round.accepted.map(({ site }) => site).sort(),
        model: input.model,
        optimiserState: input.optimiserState,
        ...(sum !== undefined && { sum }),
        ...(transcript !== undefined && { transcript }),
        ...(cohortSums !== undefined && { cohortSums: [...cohortSums] }),
        ...(state.rules.gate !== undefined && updateNorm !== undefined && { updateNorm }),
      });
    }
    case 'update-unusable': {
      const round = aggregatingRound(state, input);
      if (round === null || !round.accepted.some(({ site }) => site === input.site)) return refuse('out-of-turn');
      const { stage, site, reason } = input;
      return accept({ kind: 'site-left-out', atMillis, stage, round: input.round, site, reason });
    }
    case 'cohort-unusable': {
      const round = aggregatingRound(state, input);
      const lost = round === null ? undefined : addedCohorts(round)?.find(({ cohort }) => cohort === input.cohort);
      if (lost === undefined) return refuse('out-of-turn');
      const { stage, reason, suspect } = input;
      const events = lost.members.map((site): StudyEvent => {
        const why = suspect === null || suspect === site ? reason : COHORT_LOST;
        return { kind: 'site-left-out', atMillis, stage, round: input.round, site, reason: why };
      });
      return { events, refusal: null };
    }
    case 'round-unfit': {
      const round = aggregatingRound(state, input);
      if (round === null) return refuse('out-of-turn');
      const { reason, suspect, transcript } = input;
      const where = { atMillis, stage: input.stage, round: input.round };
      const isIn = suspect !== null && round.accepted.some(({ site }) => site === suspect);
      const left: StudyEvent[] = isIn ? [{ kind: 'site-left-out', ...where, site: suspect, reason }] : [];
      return { events: [...left, ...skipRound(state, where, { reason, transcript })], refusal: null };
    }
    case 'give-up': {
      if (isOver(state)) return nothing;
      const round = currentRound(state);
      if (round === undefined || round.outcome !== null) {
        return accept({ kind: 'study-failed', atMillis, reason: input.reason });
      }
      const where = { atMillis, stage: state.stages.length - 1, round: round.round };
      return { events: skipRound(state, where, { reason: input.reason }), refusal: null };
    }
    case 'restarted': {
      if (!('deadlineMillis' in state.phase) || state.paused !== undefined) return nothing;
      const grace = Math.min(restartGraceMillis, phaseWindowMillis(state));
      const deadlineMillis = Math.round(atMillis + grace);
      // Farther away than its window no deadline is, unless the clock was put back while nobody ran.
      const latestMillis = Math.round(atMillis + phaseWindowMillis(state));
      if (state.phase.deadlineMillis > latestMillis) {
        return accept({ kind: 'deadline-extended', atMillis, deadlineMillis: latestMillis });
      }
      if (deadlineMillis <= state.phase.deadlineMillis) return nothing;
      return accept({ kind: 'deadline-extended', atMillis, deadlineMillis });
    }
    default:
      input satisfies never;
      return nothing;
  }
}

function respondToResume(state: StudyState, atMillis: number): Decision {
  if (isOver(state)) return refuse('study-over');
  if (state.paused === undefined) return nothing;
  const { remainingMillis } = state.paused;
  const deadlineMillis = remainingMillis === null ? null : Math.round(atMillis + remainingMillis);
  return accept({ kind: 'study-resumed', atMillis, deadlineMillis });
}

function respondToReady(state: StudyState, site: string, ready: SiteReady, atMillis: number): Decision {
  const before = state.sites[site];
  if (before === undefined) return refuse('not-invited');
  if (before.status === 'ready' && same(before.ready, ready)) return nothing;
  if (isOver(state)) return refuse('study-over');
  // A site that comes while the others evaluate has nothing left to do.
  if (state.evaluation !== null && !state.evaluation.sites.includes(site)) return refuse('late');
  return accept({ kind: 'site-ready', atMillis, site, ready });
}

function respondToDecline(state: StudyState, site: string, reason: string, atMillis: number): Decision {
  const before = state.sites[site];
  if (before === undefined) return refuse('not-invited');
  if (before.status === 'declined' && before.reason === reason) return nothing;
  if (isOver(state)) return refuse('study-over');
  const events: StudyEvent[] = [{ kind: 'site-declined', atMillis, site, reason }];
  const round = currentRound(state);
  const mayLeave =
    round !== undefined &&
    ((isOpen(state, round) && unanswered(round).includes(site)) || mayLeaveSession(state, round, site));
  if (mayLeave) {
    const stage = state.stages.length - 1;
    events.push({ kind: 'site-left-out', atMillis, stage, round: round.round, site, reason });
  } else if (round !== undefined) {
    events.push(...leaveSession(state, round, { site, reason, atMillis }));
  }
  return { events, refusal: null };
}

function respondToUpdate(state: StudyState, offer: UpdateInput, atMillis: number): Decision {
  const turn = findTurn(state, offer);
  if (typeof turn === 'string') {
    const open = currentRound(state);
    const isTurnError = turn === 'wrong-stage' || turn === 'wrong-round';
    if (!isTurnError || open === undefined || !isOpen(state, open) || !unanswered(open).includes(offer.site)) {
      return refuse(turn);
    }
    const index = state.stages.findIndex(({ name }) => name === offer.stage);
    const offered = index === -1 ? {} : { offered: { stage: index, round: offer.round } };
    return { events: noteRefusal(state, { site: offer.site, reason: turn, ...offered, atMillis }), refusal: turn };
  }
  const { stage, round, where } = turn;
  if (round.session !== undefined) return refuse('session-expected');
  const accepted = round.accepted.find(({ site }) => site === offer.site);
  if (accepted !== undefined) {
    if (accepted.blob === offer.blob) return nothing;
    const note = { site: offer.site, reason: 'equivocation', offered: where, atMillis };
    return { events: isOpen(state, round) ? noteRefusal(state, note) : [], refusal: 'equivocation' };
  }
  const leftOut = round.leftOut.find(({ site }) => site === offer.site);
  if (leftOut !== undefined && leftOut.reason !== 'late') return refuse('left-out');
  if (!isOpen(state, round)) {
    const note = { site: offer.site, reason: 'late-update', offered: where, atMillis };
    return { events: noteRefusal(state, note), refusal: 'late-update' };
  }

  const mismatch: RefusalCode | null =
    offer.model !== round.startModel ? 'wrong-model' : offer.layout !== stage.layout ? 'wrong-layout' : null;
  const reason = mismatch ?? offer.finding;
  if (reason !== null) {
    const leaving: StudyEvent = { kind: 'site-left-out', atMillis, ...where, site: offer.site, reason };
    return { events: [leaving], refusal: mismatch ?? { finding: reason } };
  }
  const { site, blob, figures, bytes } = offer;
  return accept({ kind: 'update-accepted', atMillis, ...where, site, blob, figures, bytes });
}

function respondToEvaluation(
  state: StudyState,
  input: Extract<StudyInput, { kind: 'evaluation' }>,
  atMillis: number,
): Decision {
  if (state.sites[input.site] === undefined) return refuse('not-invited');
  const { evaluation } = state;
  if (evaluation === null) return refuse(isOver(state) ? 'study-over' : 'out-of-turn');
  if (!evaluation.sites.includes(input.site)) return refuse('not-invited');
  const received = evaluation.reports[input.site];
  if (received !== undefined) return same(received.report, input.report) ? nothing : refuse('equivocation');
  if (state.phase.kind !== 'evaluating') return refuse('late');
  const { site, report, bytes } = input;
  return accept({ kind: 'evaluation-received', atMillis, site, report, bytes });
}

interface Turn {
  readonly stage: StageState;
  readonly round: RoundState;
  readonly where: { readonly stage: number; readonly round: number };
}

/** The round a message names, if it was opened and the site is one of its sites. */
function findTurn(
  state: StudyState,
  message: { readonly site: string; readonly stage: string; readonly round: number },
): Turn | RefusalCode {
  if (state.sites[message.site] === undefined) return 'not-invited';
  const index = state.stages.findIndex(({ name }) => name === message.stage);
  const stage = state.stages[index];
  if (stage === undefined) return isOver(state) ? 'study-over' : 'wrong-stage';
  const round = stage.rounds[message.round - 1];
  if (round === undefined) return isOver(state) ? 'study-over' : 'wrong-round';
  if (!round.sites.includes(message.site)) return 'not-invited';
  return { stage, round, where: { stage: index, round: message.round } };
}

/** Whether the round takes updates: it is the current one and not closed. */
function isOpen(state: StudyState, round: RoundState): boolean {
  return state.phase.kind === 'training' && currentRound(state) === round;
}

/** Whether the open step waits for the site's message and the site's vector is not yet among those to be added. */
function mayLeaveSession(state: StudyState, round: RoundState, site: string): boolean {
  if (state.phase.kind !== 'secure-session' || currentRound(state) !== round) return false;
  const { step } = state.phase;
  return step !== 'consistency' && step !== 'unmask' && awaitedInStep(round, step).includes(site);
}

function aggregatingRound(
  state: StudyState,
  message: { readonly stage: number; readonly round: number },
): RoundState | null {
  const round = currentRound(state);
  if (state.phase.kind !== 'aggregating' || round === undefined) return null;
  return message.stage === state.stages.length - 1 && message.round === round.round ? round : null;
}

function phaseWindowMillis(state: StudyState): number {
  switch (state.phase.kind) {
    case 'waiting-for-sites':
      return state.rules.readyWindowMillis;
    case 'evaluating':
      return state.rules.evaluationWindowMillis;
    case 'secure-session':
      return state.rules.sessionWindowMillis ?? state.rules.roundWindowMillis;
    default:
      return state.rules.roundWindowMillis;
  }
}

function same(a: unknown, b: unknown): boolean {
  return hashOfJson('message/1', a) === hashOfJson('message/1', b);
}
