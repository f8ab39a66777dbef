import type { Progress } from '@wardround/protocols/session/messages.ts';
import { describe, expect, test } from 'vitest';
import { createProgressBoard } from './progress-board.ts';

const progress = (activity: Progress['activity'], changes: Partial<Progress> = {}): Progress => ({
  study: 'a'.repeat(64),
  activity,
  stage: 'slices',
  round: 1,
  done: 0,
  total: 10,
  loss: null,
  perSecond: null,
  bytesSent: 0,
  ...changes,
});

describe('createProgressBoard()', () => {
  test('says since when a site has been at what it does', () => {
    let now = 100;
    const board = createProgressBoard(() => now);
    expect(board.of('basel')).toBeNull();
    board.note('basel', progress('training'));
    now = 200;
    board.note('basel', progress('training', { done: 5 }));
    expect(board.of('basel')).toMatchObject({ atMillis: 200, sinceMillis: 100, progress: { done: 5 } });
    now = 300;
    board.note('basel', progress('training', { round: 2 }));
    expect(board.of('basel')).toMatchObject({ sinceMillis: 300 });
  });

  test('knows when a site was heard, and where it waits', () => {
    const board = createProgressBoard(() => 7);
    board.hear('geneva');
    expect([board.heardMillis('geneva'), board.heardMillis('basel')]).toEqual([7, null]);
    const other = 'b'.repeat(64);
    board.note('basel', progress('waiting', { study: other }));
    board.note('basel', progress('training'));
    expect([board.isWaiting('basel', other), board.isWaiting('basel', 'a'.repeat(64))]).toEqual([true, false]);
    board.note('basel', progress('reading-data', { study: other }));
    expect(board.isWaiting('basel', other)).toBe(false);
    for (let i = 0; i < 150; i++) board.note('basel', progress('waiting', { study: `${i}`.padStart(64, '0') }));
    const isWaiting = Array.from({ length: 150 }, (_, i) => board.isWaiting('basel', `${i}`.padStart(64, '0')));
    expect(isWaiting.filter(Boolean)).toHaveLength(100);
    expect(isWaiting[149]).toBe(true);
  });
});
