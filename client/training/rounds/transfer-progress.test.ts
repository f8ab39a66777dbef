import { describe, expect, test } from 'vitest';
import type { TaskProgress } from '../worker-messages.ts';
import { transferProgress } from './transfer-progress.ts';

describe('transferProgress()', () => {
  test('tells the first and the last of many bytes, and few in between', () => {
    const told: TaskProgress[] = [];
    const note = transferProgress((progress) => void told.push(progress), {
      activity: 'receiving',
      stage: 'slices',
      round: 2,
      total: 100,
    });
    for (let bytes = 0; bytes <= 100; bytes++) note(bytes);
    expect(told.map(({ done }) => done).slice(0, 1)).toEqual([0]);
    expect(told.at(-1)).toEqual({
      activity: 'receiving',
      stage: 'slices',
      round: 2,
      done: 100,
      total: 100,
      loss: null,
      perSecond: null,
    });
    expect(told.length).toBeLessThan(5);
  });
});
