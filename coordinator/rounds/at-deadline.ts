/** What a study's deadline does if nothing comes before it: asked of the state machine itself, so that it is true. */
import type { StudyEvent } from '@wardround/protocols/round/events.ts';
import { nextDeadline, onTime } from '@wardround/protocols/round/machine.ts';
import type { StudyState } from '@wardround/protocols/round/state.ts';

export type AtDeadline =
  | 'begins-with-those-that-are-ready'
  | 'goes-on-with-those-that-have-answered'
  | 'begins-the-session-again'
  | 'skips-the-round'
  | 'ends-with-the-evaluations-that-came'
  | 'fails-the-study';

/** The first of these that is among the events says it. */
const MEANINGS: readonly (readonly [StudyEvent['kind'], AtDeadline])[] = [
  ['study-failed', 'fails-the-study'],
  ['round-skipped', 'skips-the-round'],
  ['session-aborted', 'begins-the-session-again'],
  ['session-step-opened', 'goes-on-with-those-that-have-answered'],
  ['round-closed', 'goes-on-with-those-that-have-answered'],
  ['evaluation-closed', 'ends-with-the-evaluations-that-came'],
  ['study-started', 'begins-with-those-that-are-ready'],
];

/** Null without a deadline. */
export function atDeadline(state: StudyState): AtDeadline | null {
  const deadlineMillis = nextDeadline(state);
  if (deadlineMillis === null) return null;
  const kinds = new Set(onTime(state, deadlineMillis).map(({ kind }) => kind));
  return MEANINGS.find(([kind]) => kinds.has(kind))?.[1] ?? null;
}
