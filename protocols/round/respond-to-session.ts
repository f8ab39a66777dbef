/** What follows from a site's session message. */
import { accept, type Decision, nothing, refuse } from './decision.ts';
import type { SessionState, SessionStep } from './session-state.ts';
import { currentRound, type RoundState, type StudyState } from './state.ts';
import type { SessionMessageInput } from './study-input.ts';

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
    const isKnown = round.refused.some((refused) => refused.site === site && refused.reason === finding);
    const events = isKnown ? [] : [{ kind: 'offer-refused' as const, atMillis, ...where, site, reason: finding }];
    return { events, refusal: { finding } };
  }
  const isFirst = session.trained[site] === undefined;
  if (isFirst && figures === null) return refuse('figures-missing');
  if ((step === 'masked-input') !== (vector !== null)) return refuse('out-of-turn');
  return accept({ kind: 'session-message', atMillis, ...place, figures: isFirst ? figures : null, vector });
}

/** The step in which messages are taken now. */
function openStep(state: StudyState, session: SessionState): SessionStep | null {
  if (state.phase.kind === 'training') return session.attempt === 1 ? 'advertise' : null;
  return state.phase.kind === 'secure-session' ? state.phase.step : null;
}

function isPast(session: SessionState, step: SessionStep): boolean {
  return session.steps[step] !== undefined;
}
