/**
 * The round state machine: what follows from an input, and what follows from the time. Pure: the caller appends the
 * events to the journal, and only then acknowledges.
 *
 * A site that sends something out of turn is refused by name and changes nothing. A repeat of what was accepted already
 * is acknowledged and changes nothing either, so a lost answer is simply asked for again.
 */
import { hashOfJson, type Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { EvaluationReport, SiteReady, TrainingFigures } from '../session/messages.ts';
import { applyEvent } from './apply-event.ts';
import type { StudyEvent } from './events.ts';
import type { RefusalCode } from './refusals.ts';
import {
  currentRound,
  currentStage,
  isOver,
  type LeftOut,
  type RoundState,
  readySites,
  type StageState,
  type StudyState,
} from './state.ts';

export type StudyInput =
  /** A site was admitted after the launch. */
  | { readonly kind: 'invite'; readonly site: string }
  | { readonly kind: 'ready'; readonly site: string; readonly ready: SiteReady }
  | { readonly kind: 'decline'; readonly site: string; readonly reason: string }
  | UpdateInput
  | {
      readonly kind: 'decline-round';
      readonly site: string;
      readonly stage: string;
      readonly round: number;
      readonly reason: string;
    }
  | { readonly kind: 'evaluation'; readonly site: string; readonly report: EvaluationReport; readonly bytes: number }
  | { readonly kind: 'abort' }
  /** The coordinator's own effects, done. */
  | { readonly kind: 'stage-prepared'; readonly stage: number; readonly layout: Sha256Hex; readonly model: Sha256Hex }
  | {
      readonly kind: 'aggregated';
      readonly stage: number;
      readonly round: number;
      readonly model: Sha256Hex;
      readonly optimiserState: Sha256Hex | null;
    }
  /** An accepted update could not be read back when it was to be added. */
  | {
      readonly kind: 'update-unusable';
      readonly stage: number;
      readonly round: number;
      readonly site: string;
      readonly reason: string;
    }
  /** An effect failed for good. */
  | { readonly kind: 'give-up'; readonly reason: string }
  /** The coordinator was started again. */
  | { readonly kind: 'restarted' };

export interface UpdateInput {
  readonly kind: 'update';
  readonly site: string;
  readonly stage: string;
  readonly round: number;
  readonly blob: Sha256Hex;
  readonly model: Sha256Hex;
  readonly layout: Sha256Hex;
  readonly figures: TrainingFigures;
  readonly bytes: number;
  /**
   * What opening and checking the update found: null when it is sound. Deciding first with null tells cheaply whether
   * the update would be taken at all.
   */
  readonly finding: string | null;
}

export interface Decision {
  /** To be appended together, in this order. Empty for a repeat. */
  readonly events: readonly StudyEvent[];
  /** Null when the input is to be acknowledged. */
  readonly refusal: Refusal | null;
}

/** `reason` is a finding about the update itself (from checking it), the rest are about its turn. */
export type Refusal = RefusalCode | { readonly finding: string };

/** How long after a restart sites may take to come back, at most; never more than the phase's own window. */
const restartGraceMillis = 600_000;

/** Decides an input, and everything that follows from it at once (a round that closes, the next that opens). */
export function decide(state: StudyState, input: StudyInput, nowMillis: number): Decision {
  // Time during which the coordinator was down must not close a round before its sites could come back.
  const due = input.kind === 'restarted' ? [] : onTime(state, nowMillis);
  const current = due.reduce<StudyState>(applyEvent, state);
  const { events, refusal } = respond(current, input, nowMillis);
  const next = events.reduce<StudyState>(applyEvent, current);
  return { events: [...due, ...events, ...onTime(next, nowMillis)], refusal };
}

/** The events that are due now without any input: deadlines that have passed and steps that wait for nothing. */
export function onTime(state: StudyState, nowMillis: number): StudyEvent[] {
  const events: StudyEvent[] = [];
  let current = state;
  for (;;) {
    const due = nextStep(current, nowMillis);
    if (due.length === 0) return events;
    events.push(...due);
    current = due.reduce<StudyState>(applyEvent, current);
  }
}

/** When `onTime` will have something to say if no input comes before: milliseconds since 1970, or null for never. */
export function nextDeadline(state: StudyState): number | null {
  return 'deadlineMillis' in state.phase ? state.phase.deadlineMillis : null;
}

function nextStep(state: StudyState, atMillis: number): StudyEvent[] {
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
      if (round.accepted.length < rules.quorum) return [...leftOut, ...failRound(where, 'quorum-not-met')];
      return [...leftOut, { kind: 'round-closed', ...where }];
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

function respond(state: StudyState, input: StudyInput, atMillis: number): Decision {
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
    case 'decline-round': {
      const turn = findTurn(state, input);
      if (typeof turn === 'string') return refuse(turn);
      const { round, where } = turn;
      if (round.leftOut.some(({ site }) => site === input.site)) return nothing;
      if (round.accepted.some(({ site }) => site === input.site)) return refuse('already-accepted');
      if (!isOpen(state, round)) return refuse('late');
      return accept({ kind: 'site-left-out', atMillis, ...where, site: input.site, reason: input.reason });
    }
    case 'evaluation':
      return respondToEvaluation(state, input, atMillis);
    case 'abort':
      return isOver(state) ? nothing : accept({ kind: 'study-aborted', atMillis });
    case 'stage-prepared':
      if (state.phase.kind !== 'starting-stage' || state.phase.stage !== input.stage) return refuse('out-of-turn');
      return accept({ kind: 'stage-started', atMillis, stage: input.stage, layout: input.layout, model: input.model });
    case 'aggregated': {
      const round = aggregatingRound(state, input);
      if (round === null) return refuse('out-of-turn');
      return accept({
        kind: 'round-committed',
        atMillis,
        stage: input.stage,
        round: input.round,
        participants: round.accepted.map(({ site }) => site).sort(),
        model: input.model,
        optimiserState: input.optimiserState,
      });
    }
    case 'update-unusable': {
      const round = aggregatingRound(state, input);
      if (round === null || !round.accepted.some(({ site }) => site === input.site)) return refuse('out-of-turn');
      const { stage, site, reason } = input;
      return accept({ kind: 'site-left-out', atMillis, stage, round: input.round, site, reason });
    }
    case 'give-up': {
      if (isOver(state)) return nothing;
      const round = currentRound(state);
      if (round === undefined || round.outcome !== null) {
        return accept({ kind: 'study-failed', atMillis, reason: input.reason });
      }
      const where = { atMillis, stage: state.stages.length - 1, round: round.round };
      return { events: failRound(where, input.reason), refusal: null };
    }
    case 'restarted': {
      if (!('deadlineMillis' in state.phase)) return nothing;
      const grace = Math.min(restartGraceMillis, phaseWindowMillis(state));
      const deadlineMillis = Math.round(atMillis + grace);
      if (deadlineMillis <= state.phase.deadlineMillis) return nothing;
      return accept({ kind: 'deadline-extended', atMillis, deadlineMillis });
    }
    default:
      input satisfies never;
      return nothing;
  }
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
  if (round !== undefined && isOpen(state, round) && unanswered(round).includes(site)) {
    const stage = state.stages.length - 1;
    events.push({ kind: 'site-left-out', atMillis, stage, round: round.round, site, reason });
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
    const where = { stage: state.stages.length - 1, round: open.round };
    return { events: noteRefusal(open, where, offer.site, turn, atMillis), refusal: turn };
  }
  const { stage, round, where } = turn;
  const accepted = round.accepted.find(({ site }) => site === offer.site);
  if (accepted !== undefined) {
    if (accepted.blob === offer.blob) return nothing;
    const events = isOpen(state, round) ? noteRefusal(round, where, offer.site, 'equivocation', atMillis) : [];
    return { events, refusal: 'equivocation' };
  }
  const leftOut = round.leftOut.find(({ site }) => site === offer.site);
  if (leftOut !== undefined && leftOut.reason !== 'late') return refuse('left-out');
  if (!isOpen(state, round)) return refuse('late');

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

function aggregatingRound(
  state: StudyState,
  message: { readonly stage: number; readonly round: number },
): RoundState | null {
  const round = currentRound(state);
  if (state.phase.kind !== 'aggregating' || round === undefined) return null;
  return message.stage === state.stages.length - 1 && message.round === round.round ? round : null;
}

/** Sites of the round that have neither been accepted nor left out. */
function unanswered(round: RoundState): string[] {
  const answered = new Set([...round.accepted, ...round.leftOut].map(({ site }) => site));
  return round.sites.filter((site) => !answered.has(site));
}

function lastRefusal(round: RoundState, site: string): string | undefined {
  return round.refused.findLast((refused) => refused.site === site)?.reason;
}

/** Notes a refusal once per site and reason, so that nobody can fill the journal. */
function noteRefusal(
  round: RoundState,
  where: { readonly stage: number; readonly round: number },
  site: string,
  reason: string,
  atMillis: number,
): StudyEvent[] {
  const isKnown = round.refused.some((refused) => refused.site === site && refused.reason === reason);
  return isKnown ? [] : [{ kind: 'offer-refused', atMillis, ...where, site, reason }];
}

function failRound(
  where: { readonly atMillis: number; readonly stage: number; readonly round: number },
  reason: string,
): StudyEvent[] {
  return [
    { kind: 'round-failed', ...where, reason },
    { kind: 'study-failed', atMillis: where.atMillis, reason },
  ];
}

function phaseWindowMillis(state: StudyState): number {
  switch (state.phase.kind) {
    case 'waiting-for-sites':
      return state.rules.readyWindowMillis;
    case 'evaluating':
      return state.rules.evaluationWindowMillis;
    default:
      return state.rules.roundWindowMillis;
  }
}

function same(a: unknown, b: unknown): boolean {
  return hashOfJson('message/1', a) === hashOfJson('message/1', b);
}

function accept(event: StudyEvent): Decision {
  return { events: [event], refusal: null };
}

function refuse(refusal: RefusalCode): Decision {
  return { events: [], refusal };
}

const nothing: Decision = { events: [], refusal: null };
