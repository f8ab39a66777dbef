/** Under which name tests let the coordinator die beside an event (shared/failpoints). */
import type { StudyEvent } from '@wardround/protocols/round/events.ts';

const PHASE_OF: Partial<Record<StudyEvent['kind'], string>> = {
  'site-ready': 'ready',
  'stage-started': 'announce',
  'round-committed': 'commit',
  'evaluation-received': 'evaluation',
};

/** Of events that are journaled together, the first says what caused them. */
export function failpointPhase([first]: readonly StudyEvent[]): string {
  if (first === undefined) return 'nothing';
  return first.kind === 'session-message' ? first.step : (PHASE_OF[first.kind] ?? first.kind);
}
