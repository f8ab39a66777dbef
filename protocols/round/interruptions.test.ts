/** What must not end a study: rounds without a result, sites that are late, pauses, and a coordinator that was down. */
import { describe, expect, test } from 'vitest';
import { PHASES } from '../secure-aggregation/messages.ts';
import { applyEvent } from './apply-event.ts';
import { type StudyEvent, StudyEvent as StudyEventSchema, type StudyRules } from './events.ts';
import { decide, nextDeadline, onTime } from './machine.ts';
import type { SessionStep } from './session-state.ts';
import { currentRound, isOver, type StudyState } from './state.ts';
import type { StudyInput } from './study-input.ts';
import { trainingFigures as figures, labelHash as hash, siteReady as ready } from './testing/round-inputs.ts';
import { workFor } from './work-for.ts';

const four = ['basel', 'geneva', 'lugano', 'zurich'];
const opened = 10;

function fold(state: StudyState, events: readonly StudyEvent[]): StudyState {
  for (const event of events) expect(StudyEventSchema.safeParse(event).error).toBeUndefined();
  return events.reduce<StudyState>(applyEvent, state);
}

const step = (state: StudyState, input: StudyInput, nowMillis: number) => {
  const decision = decide(state, input, nowMillis);
  return { ...decision, state: fold(state, decision.events) };
};

function after(state: StudyState, inputs: readonly StudyInput[], nowMillis = opened): StudyState {
  return inputs.reduce((current, input) => {
    const result = step(current, input, nowMillis);
    expect(result.refusal).toBeNull();
    return result.state;
  }, state);
}

const at = (state: StudyState, nowMillis: number): StudyState => fold(state, onTime(state, nowMillis));

/** The first of five rounds is open since 10, until 1010. */
function training(rules: Partial<StudyRules> = {}): StudyState {
  const launched = applyEvent(null, {
    kind: 'study-launched',
    atMillis: 0,
    study: hash('study'),
    name: 'pilot',
    planBlob: hash('plan'),
    rules: {
      quorum: 2,
      readyWindowMillis: 500,
      roundWindowMillis: 1000,
      evaluationWindowMillis: 300,
      stages: [{ name: 'slices', kind: 'slice-pretraining', rounds: 5 }],
      maximumSkippedRounds: 3,
      ...rules,
    },
    sites: four,
    deadlineMillis: 500,
  });
  return after(launched, [
    ...four.map((site): StudyInput => ({ kind: 'ready', site, ready })),
    { kind: 'stage-prepared', stage: 0, layout: hash('layout'), model: hash('model') },
  ]);
}

const update = (state: StudyState, site: string): StudyInput => ({
  kind: 'update',
  site,
  stage: 'slices',
  round: currentRound(state)!.round,
  blob: hash(`${site}${currentRound(state)!.round}`),
  model: currentRound(state)!.startModel,
  layout: hash('layout'),
  figures,
  bytes: 1,
  finding: null,
});

const message = (state: StudyState, site: string, name: SessionStep): StudyInput => ({
  kind: 'session-message',
  site,
  stage: 'slices',
  round: currentRound(state)!.round,
  attempt: currentRound(state)!.session!.attempt,
  step: name,
  body: hash(`${name}${site}${currentRound(state)!.round}`),
  figures: name === 'advertise' ? figures : null,
  vector: name === 'masked-input' ? { blob: hash(`v${site}`), bytes: 1 } : null,
  finding: null,
});

const session = { sessionWindowMillis: 100 };

function through(state: StudyState, steps: readonly SessionStep[], nowMillis: number, sites = four): StudyState {
  return steps.reduce(
    (current, name) =>
      after(
        current,
        sites.map((site) => message(current, site, name)),
        nowMillis,
      ),
    state,
  );
}

const added = (state: StudyState): StudyInput => ({
  kind: 'aggregated',
  stage: 0,
  round: currentRound(state)!.round,
  model: hash(`m${currentRound(state)!.round}`),
  optimiserState: null,
  ...(currentRound(state)!.session !== undefined && { sum: hash('sum'), transcript: hash('transcript') }),
});

const outcomes = (state: StudyState) => state.stages[0]!.rounds.map(({ outcome }) => outcome?.kind ?? 'open');

describe('a round that can have no result', () => {
  const cases: readonly (readonly [string, (state: StudyState) => StudyState, string])[] = [
    ['too few shares', (state) => at(through(state, PHASES.slice(0, -1), 20), 120), 'too-few-shares'],
    [
      'a sum that is none',
      (state) =>
        after(
          through(state, PHASES, 20),
          [{ kind: 'round-unfit', stage: 0, round: 1, reason: 'canary-wrong', suspect: null, transcript: hash('t') }],
          30,
        ),
      'canary-wrong',
    ],
    ['no quorum at the deadline', (state) => at(state, 1010), 'quorum-not-met'],
    [
      'attempts that are used up',
      (state) => {
        let current = through(state, ['advertise'], 20);
        for (let attempt = 1; attempt < 3; attempt += 1) {
          const now = nextDeadline(current)!;
          current = through(at(current, now), ['advertise'], now);
        }
        return at(current, nextDeadline(current)!);
      },
      'too-few-survivors',
    ],
  ];
  test.each(cases)('because of %s is skipped: the model stays, and the next one opens', (_, play, reason) => {
    const skipped = play(training(session));
    expect(skipped.stages[0]!.rounds[0]!.outcome).toMatchObject({ kind: 'skipped', reason });
    expect(currentRound(skipped)).toMatchObject({ round: 2, startModel: hash('model'), outcome: null });
    expect(workFor(skipped, 'basel')).toMatchObject({ kind: 'train', round: 2, model: hash('model') });
    const now = currentRound(skipped)!.openedAtMillis + 5;
    const closed = through(skipped, PHASES, now);
    const done = after(closed, [added(closed)], now);
    expect(outcomes(done)).toEqual(['skipped', 'committed', 'open']);
  });

  test('is never attempted again, and keeps what was said as evidence', () => {
    const revealed = through(training(session), PHASES, 20);
    const unfit = { kind: 'round-unfit', stage: 0, round: 1, reason: 'secret-wrong', suspect: 'lugano' } as const;
    const skipped = after(revealed, [{ ...unfit, transcript: hash('t') }], 30);
    const round = skipped.stages[0]!.rounds[0]!;
    expect(round.leftOut).toEqual([{ site: 'lugano', reason: 'secret-wrong' }]);
    expect(round.outcome).toMatchObject({ kind: 'skipped', transcript: hash('t') });
    expect(Object.keys(round.session?.steps.unmask?.messages ?? {}).sort()).toEqual(four);
    for (const name of PHASES) {
      const late = { ...message(revealed, 'basel', name), body: hash('another') } as StudyInput;
      expect(step(skipped, late, 31).events.filter(({ kind }) => kind !== 'offer-refused')).toEqual([]);
    }
    expect(step(skipped, added(revealed), 31).refusal).toBe('out-of-turn');
    expect(step(skipped, unfit, 31).refusal).toBe('out-of-turn');
    const shares = at(through(training(session), PHASES.slice(0, -1), 20), 120).stages[0]!.rounds[0]!;
    expect(Object.keys(shares.session?.steps.consistency?.messages ?? {}).sort()).toEqual(four);
  });

  test('ends the study when it is the third in a row, and not when others lie between', () => {
    let state = training();
    for (let round = 1; round <= 2; round += 1) state = at(state, nextDeadline(state)!);
    expect(outcomes(state)).toEqual(['skipped', 'skipped', 'open']);
    const good = after(state, [...four.map((site) => update(state, site))], 2500);
    const goesOn = at(after(good, [added(good)], 2500), 3500);
    expect(outcomes(goesOn)).toEqual(['skipped', 'skipped', 'committed', 'skipped', 'open']);
    const over = at(state, nextDeadline(state)!);
    expect(over.phase).toEqual({ kind: 'failed', reason: 'too-many-skipped-rounds' });
    expect(outcomes(over)).toEqual(['skipped', 'skipped', 'skipped']);
    expect(at(goesOn, 4500).phase.kind).toBe('evaluating');
  });

  test('fails a study that has nothing to show for a stage', () => {
    const rules = { stages: [{ name: 'slices', kind: 'slice-pretraining' as const, rounds: 2 }] };
    const state = at(at(training(rules), 1010), 2010);
    expect(state.phase).toEqual({ kind: 'failed', reason: 'quorum-not-met' });
  });

  test('is not opened where too few for a session are left', () => {
    const declined = after(training(session), [
      { kind: 'decline', site: 'basel', reason: 'not-approved' },
      { kind: 'decline', site: 'geneva', reason: 'not-approved' },
    ]);
    expect(at(declined, 1010).phase).toEqual({ kind: 'failed', reason: 'quorum-not-ready' });
  });
});

describe('a quorum', () => {
  test('gives the others the grace, and closes at once when all are in', () => {
    const waiting = training({ graceMillis: 200 });
    const one = after(waiting, [update(waiting, 'basel')], 20);
    expect(nextDeadline(one)).toBe(1010);
    const two = after(one, [update(one, 'geneva')], 300);
    expect(two.phase).toEqual({ kind: 'training', deadlineMillis: 500, quorumAtMillis: 300 });
    const three = after(two, [update(two, 'lugano')], 499);
    expect(nextDeadline(three)).toBe(500);
    expect(at(three, 499).phase.kind).toBe('training');
    const closed = at(three, 500);
    expect(closed.phase.kind).toBe('aggregating');
    expect(currentRound(closed)?.leftOut).toEqual([{ site: 'zurich', reason: 'late' }]);
    expect(after(three, [update(three, 'zurich')], 499).phase.kind).toBe('aggregating');
  });

  test('never moves a deadline back, and counts for a session when three have trained', () => {
    const late = training({ graceMillis: 200 });
    expect(nextDeadline(after(late, [update(late, 'basel'), update(late, 'geneva')], 900))).toBe(1010);
    const waiting = training({ graceMillis: 200, ...session });
    const two = through(waiting, ['advertise'], 20, four.slice(0, 2));
    expect(nextDeadline(two)).toBe(1010);
    const three = through(two, ['advertise'], 20, ['lugano']);
    expect(nextDeadline(three)).toBe(220);
    expect(at(three, 220).phase).toMatchObject({ kind: 'secure-session', step: 'share-keys' });
  });

  test('without a grace closes at once', () => {
    const waiting = training({ graceMillis: 0 });
    expect(after(waiting, [update(waiting, 'basel'), update(waiting, 'geneva')], 20).phase.kind).toBe('aggregating');
  });

  test('names who came too late for it, with the round, as evidence; the site is in the next one', () => {
    const waiting = training({ graceMillis: 0 });
    const inputs = [update(waiting, 'basel'), update(waiting, 'geneva')];
    const closed = after(waiting, inputs, 20);
    const next = after(closed, [added(closed)], 21);
    const late = step(next, update(waiting, 'zurich'), 30);
    expect(late.refusal).toBe('late-update');
    expect(currentRound(late.state)?.refused).toEqual([
      { site: 'zurich', reason: 'late-update', offered: { stage: 0, round: 1 } },
    ]);
    expect(step(late.state, update(waiting, 'zurich'), 31).events).toEqual([]);
    expect(workFor(late.state, 'zurich')).toMatchObject({ kind: 'train', round: 2 });
    const early = { ...update(next, 'zurich'), round: 4 } as StudyInput;
    expect(step(late.state, early, 31)).toMatchObject({
      refusal: 'wrong-round',
      events: [{ kind: 'offer-refused', round: 2, site: 'zurich', offered: { stage: 0, round: 4 } }],
    });
  });

  test('counts no site that has trained and left the study: the session begins without it', () => {
    const waiting = training({ graceMillis: 200, ...session });
    const two = through(waiting, ['advertise'], 20, four.slice(0, 2));
    const left = after(two, [{ kind: 'decline', site: 'basel', reason: 'site-revoked' }], 30);
    expect(currentRound(left)?.leftOut).toEqual([{ site: 'basel', reason: 'site-revoked' }]);
    const others = four.slice(2);
    expect(nextDeadline(through(left, ['advertise'], 40, others.slice(0, 1)))).toBe(1010);
    const begun = through(left, ['advertise'], 40, others);
    expect(begun.phase).toMatchObject({ kind: 'secure-session', step: 'share-keys' });
    expect(workFor(begun, 'basel')).toBeNull();
    expect(through(begun, PHASES.slice(1), 50, four.slice(1)).phase.kind).toBe('aggregating');
  });

  test('of a session refuses by name whoever says too late that it has trained', () => {
    const waiting = training({ graceMillis: 0, ...session });
    const begun = through(waiting, ['advertise'], 20, four.slice(0, 3));
    expect(begun.phase.kind).toBe('secure-session');
    const late = step(begun, message(waiting, 'zurich', 'advertise'), 30);
    expect(late.refusal).toBe('late-update');
    expect(currentRound(late.state)?.refused).toEqual([{ site: 'zurich', reason: 'late-update' }]);
  });
});

describe('a pause', () => {
  test('gives no work, takes what is in hand, and goes on with the time that was left', () => {
    const running = training();
    const paused = after(running, [{ kind: 'pause' }], 410);
    expect(paused.paused).toEqual({ sinceMillis: 410, remainingMillis: 600 });
    for (const site of four) expect(workFor(paused, site)).toBeNull();
    expect(nextDeadline(paused)).toBeNull();
    expect(onTime(paused, 1e9)).toEqual([]);
    const all = after(
      paused,
      four.map((site) => update(paused, site)),
      5000,
    );
    expect(all.phase.kind).toBe('training');
    expect(after(all, [{ kind: 'resume' }], 9000).phase.kind).toBe('aggregating');
    const resumed = after(after(paused, [update(paused, 'basel')], 5000), [{ kind: 'resume' }], 9000);
    expect(resumed).not.toHaveProperty('paused');
    expect(resumed.resumedAtMillis).toBe(9000);
    expect(resumed.phase).toEqual({ kind: 'training', deadlineMillis: 9600 });
    expect(workFor(resumed, 'basel')).toBeNull();
    expect(workFor(resumed, 'geneva')).toMatchObject({ kind: 'train', deadlineMillis: 9600 });
  });

  test('lets a sum be finished and holds the next round back', () => {
    const all = training();
    const closing = after(
      all,
      four.map((site) => update(all, site)),
      20,
    );
    const done = after(after(closing, [{ kind: 'pause' }], 30), [added(closing)], 40);
    expect(done.phase.kind).toBe('between-rounds');
    const resumed = after(done, [{ kind: 'resume' }], 500);
    expect(resumed.phase).toEqual({ kind: 'training', deadlineMillis: 1500 });
  });

  test('in a session holds its step, and a step that begins meanwhile has all of its time', () => {
    const sharing = after(through(training(session), ['advertise'], 20), [{ kind: 'pause' }], 50);
    expect(sharing.paused?.remainingMillis).toBe(70);
    const said = through(sharing, ['share-keys'], 60);
    expect(said.phase).toMatchObject({ step: 'share-keys' });
    expect(after(said, [{ kind: 'resume' }], 900).phase).toMatchObject({ step: 'masked-input', deadlineMillis: 1000 });
    expect(after(sharing, [{ kind: 'resume' }], 900).phase).toMatchObject({ step: 'share-keys', deadlineMillis: 970 });
    const broken = {
      kind: 'session-broken',
      stage: 0,
      round: 1,
      attempt: 1,
      reason: 'key-repeated',
      suspect: null,
    } as const;
    const again = after(sharing, [broken], 60);
    expect(again.paused?.remainingMillis).toBe(100);
    expect(after(again, [{ kind: 'resume' }], 900).phase).toMatchObject({ step: 'advertise', deadlineMillis: 1000 });
  });

  test('stands over a restart, is no second time, and ends with the study', () => {
    const paused = after(training(), [{ kind: 'pause' }], 100);
    expect(step(paused, { kind: 'restarted' }, 1e6).events).toEqual([]);
    expect(step(paused, { kind: 'pause' }, 200).events).toEqual([]);
    expect(step(training(), { kind: 'resume' }, 200).events).toEqual([]);
    const aborted = after(paused, [{ kind: 'abort' }], 300);
    expect(isOver(aborted)).toBe(true);
    expect(aborted).not.toHaveProperty('paused');
    expect(step(aborted, { kind: 'pause' }, 400).refusal).toBe('study-over');
    expect(step(aborted, { kind: 'resume' }, 400).refusal).toBe('study-over');
  });
});

describe('abort', () => {
  test.each([
    ['training', (): StudyState => training(), 'training'],
    ['a session', () => through(training(session), PHASES.slice(0, 2), 20), 'secure-session'],
    ['the sum', () => through(training(session), PHASES, 20), 'aggregating'],
    ['a pause', () => after(training(), [{ kind: 'pause' }], 20), 'training'],
  ] as const)('ends the study from %s, and nothing is due any more', (_, play, phase) => {
    const running = play();
    expect(running.phase.kind).toBe(phase);
    const over = after(running, [{ kind: 'abort' }], 50);
    expect(over.phase).toEqual({ kind: 'aborted' });
    expect([nextDeadline(over), onTime(over, 1e9)]).toEqual([null, []]);
    for (const site of four) expect(workFor(over, site)).toBeNull();
  });
});

describe('time while the coordinator was down', () => {
  test.each(PHASES.slice(1))('does not close %s before its sites could come back', (name) => {
    const waiting = through(training(session), PHASES.slice(0, PHASES.indexOf(name)), 20);
    const restarted = step(waiting, { kind: 'restarted' }, 50_000).state;
    expect(restarted.phase).toMatchObject({ step: name, deadlineMillis: 50_100 });
    const closed = through(restarted, PHASES.slice(PHASES.indexOf(name)), 50_050);
    expect(closed.phase.kind).toBe('aggregating');
  });

  test('does not end a grace, either', () => {
    const waiting = training({ graceMillis: 200 });
    const two = after(waiting, [update(waiting, 'basel'), update(waiting, 'geneva')], 20);
    const restarted = step(two, { kind: 'restarted' }, 50_000).state;
    expect(restarted.phase).toEqual({ kind: 'training', deadlineMillis: 51_000, quorumAtMillis: 20 });
  });
});
