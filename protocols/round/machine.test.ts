import { describe, expect, test } from 'vitest';
import { applyEvent } from './apply-event.ts';
import { pendingEffect } from './effects.ts';
import type { StudyEvent } from './events.ts';
import { decide, nextDeadline, onTime } from './machine.ts';
import { currentRound, type StudyState } from './state.ts';
import type { StudyInput, UpdateInput } from './study-input.ts';
import { workFor } from './work-for.ts';

const hash = (letter: string): string => letter.repeat(64);
const figures = { loss: 1, steps: 2, samples: 3, seconds: 4 };
const ready = {
  inventory: {
    patients: 9,
    series: 9,
    slices: 9,
    nonHounsfieldSeries: 0,
    clinical: 9,
    expression: 9,
    linked: 9,
    heldOut: 3,
  },
  quarantine: {},
  engine: { kind: 'plain' as const, description: 'plain JavaScript' },
};

function launched(
  options: { readonly sites?: readonly string[]; readonly quorum?: number; readonly rounds?: number } = {},
) {
  const event: StudyEvent = {
    kind: 'study-launched',
    atMillis: 0,
    study: hash('a'),
    name: 'pilot',
    planBlob: hash('b'),
    rules: {
      quorum: options.quorum ?? 2,
      readyWindowMillis: 1000,
      roundWindowMillis: 500,
      evaluationWindowMillis: 300,
      stages: [
        { name: 'slices', kind: 'slice-pretraining', rounds: options.rounds ?? 2 },
        { name: 'alignment', kind: 'alignment', rounds: 1 },
      ],
    },
    sites: [...(options.sites ?? ['basel', 'geneva', 'zurich'])],
    deadlineMillis: 1000,
  };
  return applyEvent(null, event);
}

/** Decides and folds; the refusal comes along. */
function step(state: StudyState, input: StudyInput, nowMillis: number) {
  const decision = decide(state, input, nowMillis);
  return { ...decision, state: decision.events.reduce<StudyState>(applyEvent, state) };
}

function after(state: StudyState, inputs: readonly StudyInput[], nowMillis = 10): StudyState {
  return inputs.reduce((current, input) => {
    const result = step(current, input, nowMillis);
    expect(result.refusal).toBeNull();
    return result.state;
  }, state);
}

function at(state: StudyState, nowMillis: number): StudyState {
  return onTime(state, nowMillis).reduce<StudyState>(applyEvent, state);
}

const isReady = (site: string): StudyInput => ({ kind: 'ready', site, ready });
const prepared = (stage: number): StudyInput => ({
  kind: 'stage-prepared',
  stage,
  layout: hash('c'),
  model: hash('d'),
});
const added = (stage: number, round: number): StudyInput => ({
  kind: 'aggregated',
  stage,
  round,
  model: hash('e'),
  optimiserState: null,
});

/** A sound update for the open round. */
function update(state: StudyState, site: string, changes: Partial<UpdateInput> = {}): UpdateInput {
  const work = workFor(state, site);
  const round = currentRound(state);
  return {
    kind: 'update',
    site,
    stage: work?.kind === 'train' ? work.stage : (state.stages.at(-1)?.name ?? 'slices'),
    round: round?.round ?? 1,
    blob: hash('f'),
    model: round?.startModel ?? hash('d'),
    layout: hash('c'),
    figures,
    bytes: 100,
    finding: null,
    ...changes,
  };
}

/** All three sites ready, the first round open at 10, with its deadline at 510. */
function training(): StudyState {
  return after(launched(), [...['basel', 'geneva', 'zurich'].map(isReady), prepared(0)]);
}

function outcome(state: StudyState) {
  const round = currentRound(state);
  return { phase: state.phase, accepted: round?.accepted.map(({ site }) => site), leftOut: round?.leftOut };
}

describe('waiting for sites', () => {
  test('starts as soon as everybody has answered and enough are ready', () => {
    const waiting = after(launched(), [isReady('basel'), isReady('geneva')]);
    expect(waiting.phase.kind).toBe('waiting-for-sites');
    const started = after(waiting, [{ kind: 'decline', site: 'zurich', reason: 'not-approved' }]);
    expect(started.phase).toEqual({ kind: 'starting-stage', stage: 0 });
    expect(pendingEffect(started)).toEqual({ kind: 'prepare-stage', stage: 0 });
  });

  test('starts at the deadline with those that are ready', () => {
    const waiting = after(launched(), [isReady('basel'), isReady('geneva')]);
    expect(nextDeadline(waiting)).toBe(1000);
    expect(onTime(waiting, 999)).toEqual([]);
    const started = after(at(waiting, 1000), [prepared(0)], 1001);
    expect(currentRound(started)?.sites).toEqual(['basel', 'geneva']);
  });

  test('fails by name when too few are ready at the deadline', () => {
    expect(at(after(launched(), [isReady('basel')]), 1000).phase).toEqual({
      kind: 'failed',
      reason: 'quorum-not-ready',
    });
  });

  test('waits for a site that is admitted meanwhile', () => {
    const state = after(launched({ sites: ['basel', 'geneva'] }), [
      { kind: 'invite', site: 'zurich' },
      isReady('basel'),
      isReady('geneva'),
    ]);
    expect(state.phase.kind).toBe('waiting-for-sites');
    expect(workFor(state, 'zurich')?.kind).toBe('prepare');
  });

  test('lets a site that declined change its mind', () => {
    const declined = after(launched(), [{ kind: 'decline', site: 'basel', reason: 'not-approved' }]);
    expect(workFor(declined, 'basel')).toBeNull();
    expect(after(declined, [isReady('basel')]).sites['basel']?.status).toBe('ready');
  });
});

describe('a round', () => {
  test('asks every site for the same thing', () => {
    expect(workFor(training(), 'geneva')).toEqual({
      kind: 'train',
      study: hash('a'),
      name: 'pilot',
      planBlob: hash('b'),
      stage: 'slices',
      round: 1,
      model: hash('d'),
      sliceEncoder: null,
      sites: 3,
      deadlineMillis: 510,
    });
  });

  test('closes when all sites have answered, and commits what was added', () => {
    const state = training();
    const closed = after(state, [
      update(state, 'zurich', { blob: hash('1') }),
      update(state, 'basel', { blob: hash('2') }),
      { kind: 'decline-round', site: 'geneva', stage: 'slices', round: 1, reason: 'update-not-finite' },
    ]);
    expect(outcome(closed)).toEqual({
      phase: { kind: 'aggregating' },
      accepted: ['zurich', 'basel'],
      leftOut: [{ site: 'geneva', reason: 'update-not-finite' }],
    });
    const effect = pendingEffect(closed);
    expect(effect?.kind === 'aggregate' && effect.updates.map(({ site }) => site)).toEqual(['basel', 'zurich']);
    const next = after(closed, [added(0, 1)]);
    expect(next.stages[0]?.rounds[0]?.outcome).toEqual({
      kind: 'committed',
      atMillis: 10,
      model: hash('e'),
      participants: ['basel', 'zurich'],
    });
    expect(currentRound(next)).toMatchObject({ round: 2, startModel: hash('e'), sites: ['basel', 'geneva', 'zurich'] });
  });

  test('leaves out at the deadline who has not answered', () => {
    const state = training();
    const closed = at(after(state, [update(state, 'zurich'), update(state, 'basel')]), 510);
    expect(outcome(closed).leftOut).toEqual([{ site: 'geneva', reason: 'late' }]);
    const late = step(closed, update(state, 'geneva'), 511);
    expect(late.refusal).toBe('late-update');
    // Evidence of whose it was, once.
    expect(currentRound(late.state)?.refused).toEqual([{ site: 'geneva', reason: 'late-update' }]);
    expect(step(late.state, update(state, 'geneva'), 512).events).toEqual([]);
  });

  test('closes a round that is over before it hears a late update', () => {
    const state = training();
    const two = after(state, [update(state, 'zurich'), update(state, 'basel')]);
    const late = step(two, update(state, 'geneva'), 510);
    expect(late.refusal).toBe('late-update');
    expect(late.state.phase.kind).toBe('aggregating');
  });

  test('fails the study by name when the quorum is not met', () => {
    const state = training();
    const failed = at(after(state, [update(state, 'zurich')]), 510);
    expect(failed.phase).toEqual({ kind: 'failed', reason: 'quorum-not-met' });
    expect(currentRound(failed)?.outcome).toEqual({ kind: 'failed', atMillis: 510, reason: 'quorum-not-met' });
    expect(step(failed, isReady('basel'), 511).refusal).toBeNull();
    expect(step(failed, { kind: 'decline', site: 'basel', reason: 'x' }, 511).refusal).toBe('study-over');
  });

  test('includes a site that became ready later from the next round on', () => {
    let state = at(after(launched(), [isReady('basel'), isReady('geneva')]), 1000);
    state = after(state, [prepared(0), isReady('zurich')], 1001);
    expect(currentRound(state)?.sites).toEqual(['basel', 'geneva']);
    expect(step(state, update(state, 'zurich'), 1002).refusal).toBe('not-invited');
    state = after(state, [update(state, 'basel'), update(state, 'geneva', { blob: hash('2') }), added(0, 1)], 1003);
    expect(currentRound(state)?.sites).toEqual(['basel', 'geneva', 'zurich']);
  });

  test('leaves out at once a site that withdraws from the study', () => {
    const state = after(training(), [{ kind: 'decline', site: 'geneva', reason: 'stopped-by-operator' }]);
    expect(outcome(state).leftOut).toEqual([{ site: 'geneva', reason: 'stopped-by-operator' }]);
  });

  test('goes on without an update that cannot be read back, or fails', () => {
    const state = training();
    let closed = after(state, [
      update(state, 'basel', { blob: hash('1') }),
      update(state, 'geneva', { blob: hash('2') }),
      update(state, 'zurich', { blob: hash('3') }),
    ]);
    const unusable = (site: string): StudyInput => ({
      kind: 'update-unusable',
      stage: 0,
      round: 1,
      site,
      reason: 'update-damaged',
    });
    closed = after(closed, [unusable('geneva')]);
    const effect = pendingEffect(closed);
    expect(effect?.kind === 'aggregate' && effect.updates.map(({ site }) => site)).toEqual(['basel', 'zurich']);
    expect(after(closed, [unusable('basel')]).phase).toEqual({ kind: 'failed', reason: 'quorum-not-met' });
  });
});

describe('an update', () => {
  test.each([
    ['of an unknown stage', { stage: 'other' }, 'wrong-stage'],
    ['of a round to come', { round: 2 }, 'wrong-round'],
  ] as const)('%s is refused, and names the reason if nothing better arrives', (_, changes, code) => {
    const state = training();
    const first = step(state, update(state, 'geneva', changes), 20);
    expect(first.refusal).toBe(code);
    expect(outcome(first.state).leftOut).toEqual([]);
    const again = step(first.state, update(state, 'geneva', changes), 21);
    expect(again.events).toEqual([]);
    const two = after(again.state, [update(state, 'zurich'), update(state, 'basel')]);
    expect(outcome(at(two, 510)).leftOut).toEqual([{ site: 'geneva', reason: code }]);
    expect(step(two, update(state, 'geneva'), 30).refusal).toBeNull();
  });

  test.each([
    ['from other weights', { model: hash('9') }, 'wrong-model', 'wrong-model'],
    ['in another layout', { layout: hash('9') }, 'wrong-layout', 'wrong-layout'],
    ['that is nonsense', { finding: 'update-out-of-range' }, { finding: 'update-out-of-range' }, 'update-out-of-range'],
  ] as const)('%s leaves the site out of the round', (_, changes, refusal, reason) => {
    const state = training();
    const bad = step(state, update(state, 'geneva', changes), 20);
    expect(bad.refusal).toEqual(refusal);
    expect(outcome(bad.state).leftOut).toEqual([{ site: 'geneva', reason }]);
    expect(step(bad.state, update(state, 'geneva'), 21)).toMatchObject({ refusal: 'left-out', events: [] });
  });

  test('that is repeated is acknowledged and changes nothing, also when the round is over', () => {
    const state = training();
    const offer = update(state, 'geneva');
    const accepted = after(state, [offer]);
    expect(step(accepted, offer, 20)).toMatchObject({ refusal: null, events: [] });
    const closed = after(accepted, [update(state, 'basel'), update(state, 'zurich')]);
    expect(step(closed, offer, 20)).toMatchObject({ refusal: null, events: [] });
    expect(step(after(closed, [added(0, 1)]), offer, 20)).toMatchObject({ refusal: null, events: [] });
  });

  test('that differs from the accepted one is equivocation: refused, noted once, and the first stands', () => {
    const state = training();
    const accepted = after(state, [update(state, 'geneva', { blob: hash('1') })]);
    const second = step(accepted, update(state, 'geneva', { blob: hash('2') }), 20);
    expect(second.refusal).toBe('equivocation');
    expect(second.events).toEqual([
      { kind: 'offer-refused', atMillis: 20, stage: 0, round: 1, site: 'geneva', reason: 'equivocation' },
    ]);
    expect(currentRound(second.state)?.accepted.map(({ blob }) => blob)).toEqual([hash('1')]);
    expect(step(second.state, update(state, 'geneva', { blob: hash('3') }), 21).events).toEqual([]);
  });

  test('of a site that was never invited is refused', () => {
    const state = training();
    expect(step(state, update(state, 'lausanne'), 20)).toMatchObject({ refusal: 'not-invited', events: [] });
  });

  test('before any round is refused', () => {
    expect(step(launched(), update(launched(), 'basel'), 20).refusal).toBe('wrong-stage');
  });
});

describe('the evaluation', () => {
  const report = { results: [], retrieval: [], skipped: [] };
  function evaluating(): StudyState {
    let state = training();
    for (const [stage, round] of [
      [0, 1],
      [0, 2],
      [1, 1],
    ] as const) {
      if (stage === 1) state = after(state, [prepared(1)]);
      state = after(state, [
        update(state, 'basel'),
        update(state, 'geneva'),
        update(state, 'zurich'),
        added(stage, round),
      ]);
    }
    return state;
  }
  const evaluated = (site: string): StudyInput => ({ kind: 'evaluation', site, report, bytes: 10 });

  test('gives the second stage the finished slice encoder', () => {
    let state = training();
    for (const round of [1, 2]) {
      state = after(state, [update(state, 'basel'), update(state, 'geneva'), update(state, 'zurich'), added(0, round)]);
    }
    state = after(state, [prepared(1)]);
    expect(workFor(state, 'basel')).toMatchObject({ kind: 'train', stage: 'alignment', sliceEncoder: hash('e') });
  });

  test('asks every ready site, with the first and last weights of each stage', () => {
    expect(workFor(evaluating(), 'basel')).toMatchObject({
      kind: 'evaluate',
      models: [
        { stage: 'slices', initial: hash('d'), final: hash('e') },
        { stage: 'alignment', initial: hash('d'), final: hash('e') },
      ],
      deadlineMillis: 310,
    });
  });

  test('ends when all have reported, and the study with it', () => {
    const finished = after(evaluating(), ['basel', 'zurich', 'geneva'].map(evaluated));
    expect(finished.phase.kind).toBe('finished');
    expect(finished.evaluation?.missing).toEqual([]);
    expect(nextDeadline(finished)).toBeNull();
  });

  test('ends at its deadline without those that did not report', () => {
    const state = after(evaluating(), [
      evaluated('basel'),
      { kind: 'decline', site: 'geneva', reason: 'out-of-memory' },
    ]);
    expect(state.phase.kind).toBe('evaluating');
    const finished = at(state, 310);
    expect(finished.phase.kind).toBe('finished');
    expect(finished.evaluation?.missing).toEqual([
      { site: 'geneva', reason: 'out-of-memory' },
      { site: 'zurich', reason: 'late' },
    ]);
  });

  test('acknowledges a repeated report and refuses a different one', () => {
    const state = after(evaluating(), [evaluated('basel')]);
    expect(step(state, evaluated('basel'), 20)).toMatchObject({ refusal: null, events: [] });
    const other = { ...report, skipped: [{ task: 'stage', reason: 'one-class-only' }] };
    expect(step(state, { kind: 'evaluation', site: 'basel', report: other, bytes: 10 }, 20).refusal).toBe(
      'equivocation',
    );
  });

  test('refuses a report before its time', () => {
    expect(step(training(), evaluated('basel'), 20).refusal).toBe('out-of-turn');
  });
});

describe('a restart', () => {
  test('gives sites time to come back, and no more than the window', () => {
    const state = training();
    const soon = step(state, { kind: 'restarted' }, 11);
    expect(nextDeadline(soon.state)).toBe(511);
    expect(step(soon.state, { kind: 'restarted' }, 11).events).toEqual([]);
  });

  test('after the deadline does not close the round before the sites could come back', () => {
    const late = step(training(), { kind: 'restarted' }, 90_000);
    expect(late.state.phase).toEqual({ kind: 'training', deadlineMillis: 90_500 });
    expect(step(late.state, update(late.state, 'geneva'), 90_001).refusal).toBeNull();
  });

  test('after the clock was put back by a day waits for the window anew, and not for a day', () => {
    const state = training();
    const day = 86_400_000;
    const late = step(state, { kind: 'restarted' }, 11 + day).state;
    const { deadlineMillis } = late.phase as { deadlineMillis: number };
    const back = step(late, { kind: 'restarted' }, 20).state;
    expect(back.phase).toMatchObject({ deadlineMillis: deadlineMillis - day - 11 + 20 });
    expect(step(back, { kind: 'restarted' }, 20).events).toEqual([]);
  });
});

describe('an abort', () => {
  test('ends the study whatever it is doing', () => {
    for (const state of [launched(), training()]) {
      const aborted = after(state, [{ kind: 'abort' }]);
      expect(aborted.phase.kind).toBe('aborted');
      expect(workFor(aborted, 'basel')).toBeNull();
      expect(step(aborted, prepared(0), 20).refusal).toBe('out-of-turn');
    }
  });
});
