import type { StudyEvent } from '@wardround/protocols/round/events.ts';
import { expect, test } from 'vitest';
import { roundPhases } from './round-phases.ts';

const blob = 'a'.repeat(64);
const opened = (round: number, atMillis: number) =>
  ({
    kind: 'round-opened',
    stage: 0,
    round,
    atMillis,
    model: blob,
    sites: ['a', 'b', 'c'],
    deadlineMillis: 0,
  }) as const;
const step = (name: string, atMillis: number) =>
  ({ kind: 'session-step-opened', stage: 0, round: 1, attempt: 1, step: name, atMillis }) as StudyEvent;

test('roundPhases() divides a masked round at its steps and counts what was uploaded', () => {
  const events = [
    opened(1, 1000),
    step('share-keys', 3000),
    step('masked-input', 3500),
    { kind: 'session-message', stage: 0, round: 1, step: 'masked-input', atMillis: 7000, vector: { blob, bytes: 40 } },
    { kind: 'session-message', stage: 0, round: 1, step: 'masked-input', atMillis: 7500, vector: { blob, bytes: 2 } },
    step('consistency', 7500),
    step('unmask', 7700),
    { kind: 'round-closed', stage: 0, round: 1, atMillis: 8000 },
    { kind: 'round-committed', stage: 0, round: 1, atMillis: 9000, participants: ['a', 'b', 'c'] },
    opened(2, 9100),
  ] as StudyEvent[];
  expect(roundPhases(events)).toEqual([
    { round: 1, deliver: 2, messages: 1, upload: 4, aggregate: 1, total: 8.1, uploadedBytes: 42, participants: 3 },
  ]);
});

test('roundPhases() of sealed updates knows no messages, and leaves out rounds that came to nothing', () => {
  const events = [
    opened(1, 0),
    { kind: 'round-skipped', stage: 0, round: 1, atMillis: 500, reason: 'quorum-missed' },
    opened(2, 500),
    { kind: 'update-accepted', stage: 0, round: 2, atMillis: 1000, site: 'a', blob, bytes: 7 },
    { kind: 'round-closed', stage: 0, round: 2, atMillis: 1500 },
    { kind: 'round-committed', stage: 0, round: 2, atMillis: 2500, participants: ['a'] },
  ] as StudyEvent[];
  expect(roundPhases(events)).toEqual([
    { round: 2, deliver: 0, messages: 0, upload: 1, aggregate: 1, total: 2, uploadedBytes: 7, participants: 1 },
  ]);
});
