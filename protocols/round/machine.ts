/**
 * The round state machine: what follows from an input, and what follows from the time. Pure: the caller appends the
 * events to the journal, and only then acknowledges.
 *
 * A site that sends something out of turn is refused by name and changes nothing. A repeat of what was accepted already
 * is acknowledged and changes nothing either, so a lost answer is simply asked for again.
 */
import { applyEvent } from './apply-event.ts';
import type { Decision } from './decision.ts';
import type { StudyEvent } from './events.ts';
import { nextStep } from './next-step.ts';
import { respond } from './respond.ts';
import type { StudyState } from './state.ts';
import type { StudyInput } from './study-input.ts';

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
  return 'deadlineMillis' in state.phase && state.paused === undefined ? state.phase.deadlineMillis : null;
}
