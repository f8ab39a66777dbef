import { examplePlan } from '@wardround/coordinator/export/example-record.ts';
import type { StudyStatus } from '@wardround/coordinator/rounds/study-status.ts';
import { describe, expect, test } from 'vitest';
import { progressFromStatus } from './progress-from-status.ts';

const training = (done: number) =>
  ({
    study: 'a'.repeat(64),
    activity: 'training',
    stage: 'alignment',
    round: 2,
    done,
    total: 20,
    loss: 2.5,
    perSecond: 110,
    bytesSent: 1000,
  }) as const;

const statusWith = (done: number): StudyStatus => ({
  study: 'a'.repeat(64),
  name: 'thorax-three',
  phase: 'training',
  reason: null,
  launchedAtMillis: 0,
  endedAtMillis: null,
  paused: null,
  deadlineMillis: null,
  atDeadline: null,
  stages: [
    { name: 'pretraining', rounds: 4, committedRounds: 4, skippedRounds: 0 },
    { name: 'alignment', rounds: 5, committedRounds: 1, skippedRounds: 0 },
  ],
  round: {
    stage: 'alignment',
    stageNumber: 2,
    round: 2,
    openedAtMillis: 0,
    accepted: [],
    leftOut: [{ site: 'st-olaf', reason: 'late' }],
    quorumAtMillis: null,
  },
  waitingFor: [],
  sites: ['northgate', 'riverside', 'st-olaf'].map((site) => ({
    site,
    status: site === 'riverside' ? 'declined' : 'ready',
    reason: site === 'riverside' ? 'not-approved' : null,
    connected: true,
    progress: site === 'northgate' ? training(done) : null,
    progressAtMillis: null,
  })),
});

describe('progressFromStatus()', () => {
  const first = progressFromStatus(statusWith(0), {
    plan: examplePlan,
    memory: {},
    startedMillis: 1000,
    nowMillis: 11_000,
  });
  const later = progressFromStatus(statusWith(10), {
    plan: examplePlan,
    memory: first.memory,
    startedMillis: 1000,
    nowMillis: 16_000,
  });

  test('says where in the plan the study is, and counts patients in the alignment stage', () => {
    expect(first.progress.place).toEqual({
      stage: 'alignment',
      stageNumber: 2,
      stages: 2,
      round: 2,
      rounds: 5,
      samples: 'patients',
    });
    expect(first.progress.elapsedSeconds).toBe(10);
  });

  test('guesses the time left from the pace between two looks', () => {
    expect(first.progress.sites[0]?.said?.secondsLeft).toBeNull();
    expect(later.progress.sites[0]?.said?.secondsLeft).toBeCloseTo(5, 9);
  });

  test('says who is out, and why', () => {
    expect(first.progress.sites.map(({ leftOut }) => leftOut)).toEqual([
      null,
      'the hospital has not approved the study',
      'its update came after the deadline',
    ]);
  });

  test('has no place outside of training', () => {
    const evaluating: StudyStatus = { ...statusWith(0), phase: 'evaluating' };
    const { progress } = progressFromStatus(evaluating, {
      plan: examplePlan,
      memory: {},
      startedMillis: 0,
      nowMillis: 0,
    });
    expect(progress.phase).toBe('evaluating');
    expect(progress.place).toBeNull();
    expect(progress.sites[2]?.leftOut).toBeNull();
  });
});
