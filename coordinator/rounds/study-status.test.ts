/** Whom a study waits for and why, as people see it. */
import { applyEvent } from '@wardround/protocols/round/apply-event.ts';
import { decide } from '@wardround/protocols/round/machine.ts';
import type { StudyState } from '@wardround/protocols/round/state.ts';
import type { StudyInput } from '@wardround/protocols/round/study-input.ts';
import type { Progress } from '@wardround/protocols/session/messages.ts';
import { describe, expect, test } from 'vitest';
import { describeStudy } from '../cli/describe-study.ts';
import { readiness } from '../testing/test-site.ts';
import type { SiteSighting } from './awaited-sites.ts';
import { studyStatus } from './study-status.ts';

const study = 'a'.repeat(64);
const hash = (letter: string): string => letter.repeat(64);
const sites = ['basel', 'bern', 'chur', 'geneva', 'lugano', 'zurich'];
const nowMillis = 1_000_000;

function after(state: StudyState, inputs: readonly StudyInput[], atMillis = 0): StudyState {
  return inputs.reduce(
    (current, input) => decide(current, input, atMillis).events.reduce<StudyState>(applyEvent, current),
    state,
  );
}

function launched(rules: object = {}): StudyState {
  return applyEvent(null, {
    kind: 'study-launched',
    atMillis: 0,
    study,
    name: 'pilot',
    planBlob: hash('b'),
    rules: {
      quorum: 2,
      readyWindowMillis: 2_000_000,
      roundWindowMillis: 2_000_000,
      evaluationWindowMillis: 2_000_000,
      maximumSkippedRounds: 3,
      stages: [{ name: 'slices', kind: 'slice-pretraining', rounds: 3 }],
      ...rules,
    },
    sites,
    deadlineMillis: 2_000_000,
  });
}

const ready = sites.map((site): StudyInput => ({ kind: 'ready', site, ready: readiness }));
const prepared = { kind: 'stage-prepared', stage: 0, layout: hash('c'), model: hash('d') } as const;
const training = (rules?: object) => after(launched(rules), [...ready, prepared]);

const silent: SiteSighting = {
  connected: false,
  heardMillis: null,
  progress: null,
  progressAtMillis: null,
  progressSinceMillis: null,
  isWaiting: false,
};
const progress = (changes: Partial<Progress> = {}): Progress => ({
  study,
  activity: 'training',
  stage: 'slices',
  round: 1,
  done: 40,
  total: 100,
  loss: null,
  perSecond: null,
  bytesSent: 0,
  ...changes,
});
const at = { progressAtMillis: nowMillis - 3000, progressSinceMillis: nowMillis - 600_000 };
const seen: Readonly<Record<string, SiteSighting>> = {
  basel: { ...silent, connected: true, heardMillis: nowMillis, progress: progress(), ...at },
  bern: { ...silent, heardMillis: nowMillis - 7_200_000, progress: progress(), ...at },
  chur: { ...silent, connected: true, progress: progress({ study: hash('e') }), ...at },
  geneva: { ...silent, connected: true, isWaiting: true, progress: progress({ activity: 'waiting' }), ...at },
  lugano: { ...silent, heardMillis: nowMillis - 1000 },
  zurich: silent,
};
const status = (state: StudyState) => studyStatus(state, { sighting: (site) => seen[site] ?? silent, nowMillis });

describe('studyStatus()', () => {
  test('says of each site that a round waits for what it does, and since when', () => {
    const { waitingFor } = status(training());
    expect(waitingFor.map(({ site, state, sinceMillis }) => [site, state, sinceMillis])).toEqual([
      ['basel', 'working', nowMillis - 600_000],
      ['bern', 'not-connected', nowMillis - 7_200_000],
      ['chur', 'working-for-another-study', nowMillis - 600_000],
      ['geneva', 'waiting', nowMillis - 600_000],
      ['lugano', 'connected', null],
      ['zurich', 'not-connected', null],
    ]);
    expect(new Set(waitingFor.map(({ why }) => why))).toEqual(new Set(['has-not-sent-its-update']));
  });

  test('tells a site that waits for approval from one that prepares', () => {
    const { waitingFor } = status(launched());
    expect(waitingFor.find(({ site }) => site === 'geneva')).toMatchObject({
      why: 'has-not-answered',
      state: 'waiting-for-approval',
    });
    expect(waitingFor.find(({ site }) => site === 'basel')?.state).toBe('working');
  });

  test('says what the deadline does', () => {
    const two = sites.slice(0, 2);
    const ofTwo = (state: StudyState) =>
      after(
        state,
        two.map(
          (site): StudyInput => ({
            kind: 'update',
            site,
            stage: 'slices',
            round: 1,
            blob: hash('f'),
            model: hash('d'),
            layout: hash('c'),
            figures: { loss: null, steps: 1, samples: 1, seconds: 1 },
            bytes: 1,
            finding: null,
          }),
        ),
        10,
      );
    expect(status(launched()).atDeadline).toBe('fails-the-study');
    expect(status(after(launched(), ready.slice(0, 2))).atDeadline).toBe('begins-with-those-that-are-ready');
    expect(status(training()).atDeadline).toBe('skips-the-round');
    expect(status(training({ maximumSkippedRounds: 1 })).atDeadline).toBe('fails-the-study');
    expect(status(ofTwo(training())).atDeadline).toBe('goes-on-with-those-that-have-answered');
    const graced = status(ofTwo(training({ graceMillis: 1_500_000 })));
    expect(graced).toMatchObject({ deadlineMillis: 1_500_010, round: { quorumAtMillis: 10 } });
    const paused = status(after(training(), [{ kind: 'pause' }], 500_000));
    expect(paused).toMatchObject({ atDeadline: null, deadlineMillis: null, paused: { remainingMillis: 1_500_000 } });
  });

  test('reads well', () => {
    const state = after(training(), [
      { kind: 'decline-round', site: 'zurich', stage: 'slices', round: 1, reason: 'x' },
    ]);
    expect(describeStudy(status(state), nowMillis)).toEqual([
      `pilot (${study.slice(0, 12)}): sites train`,
      '  stage 1 of 1 (slices), round 1 of 3: 0 updates accepted',
      '  zurich is left out of this round: x',
      '  waits at most 17 min longer, then it skips the round',
      '  basel has not sent its update: working since 10 min; training 40/100, heard 3 s ago',
      '  bern has not sent its update: not connected since 2 h; training 40/100, heard 3 s ago',
      '  chur has not sent its update: working for another study since 10 min',
      '  geneva has not sent its update: waiting since 10 min; waiting 40/100, heard 3 s ago',
      '  lugano has not sent its update: connected',
    ]);
  });
});
