/** What follows from a site's session message. */
import { accept, type Decision, nothing, refuse } from './decision.ts';
import type { StudyEvent } from './events.ts';
import { noteRefusal } from './note-refusal.ts';
import type { SessionState, SessionStep } from './session-state.ts';
import { endAttempt } from './session-timing.ts';
import { currentRound, type RoundState, type StudyState } from './state.ts';
import type { SessionMessageInput, StudyInput } from './study-input.ts';

export function respondToSessionMessage(
  state: StudyState,
  turn: { readonly round: RoundState; readonly where: { readonly stage: number; readonly round: number } },
  { message, atMillis }: { readonly message: SessionMessageInput; readonly atMillis: number },
): Decision {
  const { round, where } = turn;
  const { session } = round;
  const { site, attempt, step, body, figures, vector, finding } = message;
  if (session === undefined) return refuse('no-session');
  if (attempt > session.attempt) return refuse('wrong-attempt');
  if (isLateTraining(state, turn, message)) {
    const note = { site, reason: 'late-update', offered: where, atMillis };
    return { events: noteRefusal(state, note), refusal: 'late-update' };
  }
  if (attempt < session.attempt || currentRound(state) !== round) return refuse('late');

  const known = session.steps[step]?.messages[site];
  const place = { ...where, attempt, step, site, body };
  if (known !== undefined) {
    if (known.body === body) return nothing;
    const isNoted = session.conflicts.some(
      (conflict) => conflict.attempt === attempt && conflict.step === step && conflict.site === site,
    );
    if (isNoted || round.outcome !== null) return refuse('equivocation');
    return { events: [{ kind: 'session-conflict', atMillis, ...place }], refusal: 'equivocation' };
  }
  if (round.leftOut.some((left) => left.site === site)) return refuse('left-out');
  const open = openStep(state, session);
  if (open !== step) return refuse(isPast(session, step) ? 'late' : 'out-of-turn');
  if (!session.steps[step]?.sites.includes(site)) return refuse('left-out');
  if (finding !== null) {
    const events = noteRefusal(state, { site, reason: finding, atMillis });
    return { events, refusal: { finding } };
  }
  const isFirst = session.trained[site] === undefined;
  if (isFirst && figures === null) return refuse('figures-missing');
  if ((step === 'masked-input') !== (vector !== null)) return refuse('out-of-turn');
  return accept({ kind: 'session-message', atMillis, ...place, figures: isFirst ? figures : null, vector });
}

/** Whether the site says that it has trained when its round goes on, or has ended, without it. */
function isLateTraining(
  state: StudyState,
  { round }: { readonly round: RoundState },
  { site, attempt, step }: SessionMessageInput,
): boolean {
  if (step !== 'advertise' || attempt !== 1 || round.session?.trained[site] !== undefined) return false;
  const left = round.leftOut.find((leaving) => leaving.site === site);
  const isOpen = state.phase.kind === 'training' && currentRound(state) === round;
  return !isOpen && (left === undefined || left.reason === 'late');
}

/** The attempt ends; whoever is to blame is not in the next one. */
export function respondToBrokenSession(
  state: StudyState,
  input: Extract<StudyInput, { kind: 'session-broken' }>,
  atMillis: number,
): Decision {
  const { stage, round: number, attempt, reason, suspect } = input;
  const round = currentRound(state);
  if (state.phase.kind !== 'secure-session' || round?.session?.attempt !== attempt || round.round !== number) {
    return refuse('out-of-turn');
  }
  const where = { atMillis, stage, round: number };
  const isIn = (site: string) => round.sites.includes(site) && !round.leftOut.some((left) => left.site === site);
  const leaving = suspect !== null && isIn(suspect) ? [{ site: suspect, reason }] : [];
  const without = { ...round, session: round.session, leftOut: [...round.leftOut, ...leaving] };
  const left = leaving.map(({ site }): StudyEvent => ({ kind: 'site-left-out', ...where, site, reason }));
  return { events: [...left, ...endAttempt(state, without, { where, step: state.phase.step, reason })], refusal: null };
}

/**
 * A site that leaves the study after it has answered a step takes the attempt with it: what the others masked or signed
 * counts on it. Once shares were asked for, the round can only end with the sum that it is part of.
 */
export function leaveSession(
  state: StudyState,
  round: RoundState,
  leaving: { readonly site: string; readonly reason: string; readonly atMillis: number },
): StudyEvent[] {
  const { site, reason, atMillis } = leaving;
  const { phase } = state;
  const { session } = round;
  const where = { atMillis, stage: state.stages.length - 1, round: round.round };
  const isLeft = round.leftOut.some((left) => left.site === site);
  if (phase.kind === 'training' && session?.trained[site] !== undefined && !isLeft) {
    // The session has not begun: it begins without the site.
    return [{ kind: 'site-left-out', ...where, site, reason }];
  }
  if (phase.kind !== 'secure-session' || phase.step === 'unmask' || session === undefined) return [];
  if (session.steps[phase.step]?.messages[site] === undefined) return [];
  const without = { ...round, session, leftOut: [...round.leftOut, { site, reason }] };
  return [
    { kind: 'site-left-out', ...where, site, reason },
    ...endAttempt(state, without, { where, step: phase.step, reason: 'site-left' }),
  ];
}

/** The step in which messages are taken now. */
function openStep(state: StudyState, session: SessionState): SessionStep | null {
  if (state.phase.kind === 'training') return session.attempt === 1 ? 'advertise' : null;
  return state.phase.kind === 'secure-session' ? state.phase.step : null;
}

function isPast(session: SessionState, step: SessionStep): boolean {
  return session.steps[step] !== undefined;
}
