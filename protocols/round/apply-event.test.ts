import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { applyEvent } from './apply-event.ts';
import { StudyEvent } from './events.ts';
import { type StudyState, stateHash } from './state.ts';
import vector from './test-vectors/journal.json' with { type: 'json' };

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

  test('covers every kind of event but the sad endings, the rollback, the late invitation and sessions', () => {
    const seen = new Set(events.map(({ kind }) => kind));
    const unseen = StudyEvent.options.map(({ shape }) => shape.kind.value).filter((kind) => !seen.has(kind));
    const sessions = ['session-message', 'session-conflict', 'session-step-opened', 'session-aborted'];
    const sad = ['round-rolled-back', 'round-failed', 'study-failed', 'study-aborted'];
    expect(unseen).toEqual(['site-invited', ...sessions, ...sad]);
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
