import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { applyEvent } from './apply-event.ts';
import { StudyEvent } from './events.ts';
import { type StudyState, stateHash } from './state.ts';
import interrupted from './test-vectors/interrupted-journals.json' with { type: 'json' };
import vector from './test-vectors/journal.json' with { type: 'json' };
import sessions from './test-vectors/session-journals.json' with { type: 'json' };

const events = z.array(StudyEvent).parse(vector.events);

describe('applyEvent()', () => {
  test('folds the recorded journal to the recorded state', () => {
    const state = events.reduce<StudyState | null>(applyEvent, null);
    expect(state?.phase).toEqual({ kind: 'finished' });
    expect(state && stateHash(state)).toBe(vector.stateHash);
  });

  test('does not change the state it is given', () => {
    let state: StudyState | null = null;
    for (const event of events) {
      const before: string | null = state && stateHash(state);
      const next = applyEvent(state, event);
      expect(state && stateHash(state)).toBe(before);
      state = next;
    }
  });

  test('folds journals of before and of after pauses, graces and skipped rounds to the states that they had', () => {
    for (const { events: recorded, stateHash: expected } of [...sessions.journals, ...interrupted.journals]) {
      const state = z.array(StudyEvent).parse(recorded).reduce<StudyState | null>(applyEvent, null);
      expect(state && stateHash(state)).toBe(expected);
    }
  });

  test('covers every kind of event but pauses, the sad endings, the late invitation and sessions', () => {
    const seen = new Set(events.map(({ kind }) => kind));
    const unseen = StudyEvent.options.map(({ shape }) => shape.kind.value).filter((kind) => !seen.has(kind));
    const inSessions = ['session-message', 'session-conflict', 'session-step-opened', 'session-aborted'];
    const sad = ['round-rolled-back', 'round-skipped', 'round-failed'];
    const pauses = ['study-paused', 'study-resumed'];
    const ends = ['study-failed', 'study-aborted'];
    expect(unseen).toEqual(['site-invited', 'quorum-reached', ...inSessions, ...sad, ...pauses, ...ends]);
  });

  test('refuses a journal with a missing, doubled or foreign event', () => {
    const fold = (journal: readonly StudyEvent[]) => () => journal.reduce<StudyState | null>(applyEvent, null);
    expect(fold(events.slice(1))).toThrow(RangeError);
    expect(fold([events[0]!, ...events])).toThrow(RangeError);
    expect(fold(events.filter(({ kind }) => kind !== 'stage-started'))).toThrow(RangeError);
    expect(fold(events.filter(({ kind }) => kind !== 'round-opened'))).toThrow(RangeError);
    expect(fold(events.filter(({ kind }) => kind !== 'evaluation-opened'))).toThrow(RangeError);
  });
});
