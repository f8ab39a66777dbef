import { describe, expect, test } from 'vitest';
import { progressBars } from './progress-bars.ts';
import type { StudyProgress } from './study-progress.ts';

const progress: StudyProgress = {
  phase: 'training',
  place: { stage: 'pretraining', stageNumber: 1, stages: 2, round: 3, rounds: 6, samples: 'slices' },
  elapsedSeconds: 72,
  sites: [
    {
      site: 'northgate',
      said: { activity: 'training', done: 6, total: 12, loss: 2.4312, perSecond: 24.13, secondsLeft: 4.2 },
      leftOut: null,
    },
    {
      site: 'riverside',
      said: { activity: 'sending', done: 11_000_000, total: 22_000_000, loss: 2.5, perSecond: null, secondsLeft: null },
      leftOut: null,
    },
    { site: 'st-olaf', said: null, leftOut: null },
    { site: 'lakeside', said: null, leftOut: 'its update came after the deadline' },
  ],
};

describe('progressBars()', () => {
  test('shows stage, round, step, loss, speed and time left per site', () => {
    expect(progressBars(progress, { columns: 100, colour: false })).toEqual([
      'pretraining (stage 1 of 2), round 3 of 6, 1:12 min so far',
      'northgate  training          █████████████░░░░░░░░░░░░  6/12  loss 2.431  24.1 slices/s  5 s left',
      'riverside  sending update    █████████████░░░░░░░░░░░░  11.0 MB of 22.0 MB  loss 2.500',
      'st-olaf    starting',
      'lakeside   left out of this round: its update came after the deadline',
    ]);
  });

  test.each([20, 40, 60, 80, 132])('never writes a line wider than %i columns', (columns) => {
    for (const line of progressBars(progress, { columns, colour: false })) {
      expect(line.length).toBeLessThanOrEqual(columns);
    }
  });

  test('colours without changing the text', () => {
    const plain = progressBars(progress, { columns: 70, colour: false });
    const coloured = progressBars(progress, { columns: 70, colour: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is taken out
    expect(coloured.map((line) => line.replace(/\u001b\[\d+m/g, '').trimEnd())).toEqual(plain);
    expect(coloured.join('')).toContain('\u001b[36m');
  });
});
