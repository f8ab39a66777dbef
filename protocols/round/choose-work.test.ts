import { describe, expect, test } from 'vitest';
import { applyEvent } from './apply-event.ts';
import { chooseWork } from './choose-work.ts';
import { decide } from './machine.ts';
import { currentRound, type StudyState } from './state.ts';
import type { StudyInput } from './study-input.ts';
import { trainingFigures as figures, labelHash as hash, siteReady as ready } from './testing/round-inputs.ts';

const sites = ['basel', 'geneva', 'zurich'];

function after(state: StudyState, inputs: readonly StudyInput[], nowMillis: number): StudyState {
  return inputs.reduce((current, input) => {
    const { events, refusal } = decide(current, input, nowMillis);
    expect(refusal).toBeNull();
    return events.reduce<StudyState>(applyEvent, current);
  }, state);
}

function launched(name: string, { atMillis = 0, session = false } = {}): StudyState {
  return applyEvent(null, {
    kind: 'study-launched',
    atMillis,
    study: hash(name),
    name,
    planBlob: hash('plan'),
    rules: {
      quorum: 1,
      readyWindowMillis: 1e6,
      roundWindowMillis: 1e6,
      evaluationWindowMillis: 1e6,
      ...(session && { sessionWindowMillis: 1e6 }),
      stages: [{ name: 'slices', kind: 'slice-pretraining', rounds: 50 }],
    },
    sites,
    deadlineMillis: atMillis + 1e6,
  });
}

function training(name: string, atMillis: number, options = {}): StudyState {
  const all = sites.map((site): StudyInput => ({ kind: 'ready', site, ready }));
  const prepared = { kind: 'stage-prepared', stage: 0, layout: hash('layout'), model: hash('model') } as const;
  return after(launched(name, { atMillis, ...options }), [...all, prepared], atMillis);
}

/** The site does what it is given; the others have done theirs; the round is added at once. */
function finishRound(state: StudyState, nowMillis: number): StudyState {
  const { round, startModel } = currentRound(state)!;
  const updates = sites.map(
    (site): StudyInput => ({
      kind: 'update',
      site,
      stage: 'slices',
      round,
      blob: hash(site),
      model: startModel,
      layout: hash('layout'),
      figures,
      bytes: 1,
      finding: null,
    }),
  );
  const added = { kind: 'aggregated', stage: 0, round, model: hash(`m${round}`), optimiserState: null } as const;
  return after(state, [...updates, added], nowMillis);
}

const next = (states: readonly StudyState[], isHeldUp?: (study: string) => boolean) => {
  const work = chooseWork(states, 'basel', isHeldUp);
  return work !== null && 'name' in work ? `${work.kind} ${work.name}` : null;
};

describe('chooseWork()', () => {
  test('gives several studies their turns, round by round', () => {
    const studies = new Map(['one', 'two', 'three'].map((name, i) => [name, training(name, i)]));
    const served: string[] = [];
    for (let now = 10; now < 19; now += 1) {
      const work = chooseWork(studies.values(), 'basel');
      if (work?.kind !== 'train') throw new Error('needed work');
      served.push(work.name);
      studies.set(work.name, finishRound(studies.get(work.name)!, now));
    }
    expect(served).toEqual([...Array(3)].flatMap(() => ['one', 'two', 'three']));
  });

  test('lets what is in hand be finished, whatever comes up', () => {
    const first = training('first', 5);
    expect(next([launched('new', { atMillis: 6 }), training('other', 7), first])).toBe('train first');
    // Also a study that goes on after a pause.
    const paused = after(training('paused', 0), [{ kind: 'pause' }], 1);
    expect(next([paused, first])).toBe('train first');
    expect(next([after(paused, [{ kind: 'resume' }], 6), first])).toBe('train first');
  });

  test('puts a step of an open session first: the others wait for it', () => {
    const old = training('old', 0);
    const open = training('open', 50, { session: true });
    expect(next([old, open])).toBe('train old');
    const advertised = sites.map(
      (site): StudyInput => ({
        kind: 'session-message',
        site,
        stage: 'slices',
        round: 1,
        attempt: 1,
        step: 'advertise',
        body: hash(site),
        figures,
        vector: null,
        finding: null,
      }),
    );
    expect(next([old, after(open, advertised, 60)])).toBe('secure-session open');
  });

  test('does not let a study that waits for approval hold up others', () => {
    const unapproved = launched('unapproved', { atMillis: 0 });
    const other = training('other', 9);
    expect(next([unapproved, other])).toBe('prepare unapproved');
    expect(next([unapproved, other], (study) => study === unapproved.study)).toBe('train other');
    expect(next([unapproved], () => true)).toBe('prepare unapproved');
  });
});
