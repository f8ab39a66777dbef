import { describe, expect, test } from 'vitest';
import { emptyLineMemory, type LineMemory, progressLines } from './progress-lines.ts';
import type { SiteProgress, StudyProgress } from './study-progress.ts';

function snapshot(site: Partial<SiteProgress>, changes: Partial<StudyProgress> = {}): StudyProgress {
  return {
    phase: 'training',
    place: { stage: 'alignment', stageNumber: 2, stages: 2, round: 1, rounds: 8, samples: 'patients' },
    elapsedSeconds: 95,
    sites: [{ site: 'northgate', said: null, leftOut: null, ...site }],
    ...changes,
  };
}

const training = (done: number, activity: 'training' | 'waiting' = 'training') => ({
  said: { activity, done, total: 12, loss: 1.5, perSecond: 310, secondsLeft: null },
});

describe('progressLines()', () => {
  test('says where the study is and what a site does, once', () => {
    const first = progressLines(emptyLineMemory, snapshot(training(1)), { nowMillis: 0 });
    expect(first.lines).toEqual([
      '[1:35 min] alignment (stage 2 of 2), round 1 of 8',
      '  northgate  training  1/12  loss 1.500  310 patients/s',
    ]);
    expect(progressLines(first.memory, snapshot(training(1)), { nowMillis: 60_000 }).lines).toEqual([]);
  });

  test('holds back until the interval has passed', () => {
    let memory: LineMemory = progressLines(emptyLineMemory, snapshot(training(1)), { nowMillis: 0 }).memory;
    const soon = progressLines(memory, snapshot(training(4)), { nowMillis: 3000 });
    expect(soon.lines).toEqual([]);
    memory = soon.memory;
    expect(progressLines(memory, snapshot(training(9)), { nowMillis: 10_000 }).lines).toHaveLength(1);
  });

  test('does not call waiting news', () => {
    const { memory } = progressLines(emptyLineMemory, snapshot(training(12)), { nowMillis: 0 });
    expect(progressLines(memory, snapshot(training(0, 'waiting')), { nowMillis: 60_000 }).lines).toEqual([]);
  });

  test('says at once that a site was left out', () => {
    const { memory } = progressLines(emptyLineMemory, snapshot(training(12)), { nowMillis: 0 });
    const { lines } = progressLines(
      memory,
      snapshot({ ...training(12), leftOut: 'its update came after the deadline' }),
      {
        nowMillis: 100,
      },
    );
    expect(lines).toEqual(['  northgate  left out of this round: its update came after the deadline']);
  });
});
