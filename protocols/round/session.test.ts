/** Rounds with secure aggregation: drop-outs, deadlines, repeats and conflicts in each step. */
import { describe, expect, test } from 'vitest';
import { PHASES } from '../secure-aggregation/messages.ts';
import { applyEvent } from './apply-event.ts';
import { pendingEffect } from './effects.ts';
import { StudyEvent } from './events.ts';
import { decide, nextDeadline, onTime } from './machine.ts';
import { MOST_ATTEMPTS, type SessionStep } from './session-state.ts';
import { currentRound, type StudyState } from './state.ts';
import type { SessionMessageInput, StudyInput } from './study-input.ts';
import { trainingFigures as figures, labelHash as hash, siteReady as ready } from './testing/round-inputs.ts';
import { workFor } from './work-for.ts';

const four = ['basel', 'geneva', 'lugano', 'zurich'];
const roundWindowMillis = 1000;
const sessionWindowMillis = 100;

/** Decides and folds; every event has its schema. */
function step(state: StudyState, input: StudyInput, nowMillis: number) {
  const decision = decide(state, input, nowMillis);
  for (const event of decision.events) expect(StudyEvent.safeParse(event).error).toBeUndefined();
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

/** The first round is open at 10. */
function training(sites: readonly string[] = four, quorum = 2): StudyState {
  const launched = applyEvent(null, {
    kind: 'study-launched',
    atMillis: 0,
    study: hash('study'),
    name: 'pilot',
    planBlob: hash('plan'),
    rules: {
      quorum,
      readyWindowMillis: 500,
      roundWindowMillis,
      evaluationWindowMillis: 300,
      sessionWindowMillis,
      stages: [{ name: 'slices', kind: 'slice-pretraining', rounds: 2 }],
    },
    sites: [...sites],
    deadlineMillis: 500,
  });
  return after(launched, [
    ...sites.map((site): StudyInput => ({ kind: 'ready', site, ready })),
    { kind: 'stage-prepared', stage: 0, layout: hash('layout'), model: hash('model') },
  ]);
}

function message(
  site: string,
  name: SessionStep,
  changes: Partial<SessionMessageInput> & { readonly attempt?: number } = {},
): SessionMessageInput {
  const { attempt = 1 } = changes;
  return {
    kind: 'session-message',
    site,
    stage: 'slices',
    round: 1,
    attempt,
    step: name,
    body: hash(`${name}${attempt}${site}`),
    figures: name === 'advertise' ? figures : null,
    vector: name === 'masked-input' ? { blob: hash(`${attempt}vector${site}`), bytes: 100 } : null,
    finding: null,
    ...changes,
  };
}

/** All these sites say their message of each of these steps. */
function through(state: StudyState, steps: readonly SessionStep[], sites = four, attempt = 1, nowMillis = 20) {
  return after(
    state,
    steps.flatMap((name) => sites.map((site) => message(site, name, { attempt }))),
    nowMillis,
  );
}

const others = four.filter((site) => site !== 'lugano');
const before = (name: SessionStep) => PHASES.slice(0, PHASES.indexOf(name));

describe('a session', () => {
  test('goes through its steps, asks each site for its message, and adds what was masked', () => {
    let state = training();
    expect(workFor(state, 'basel')?.kind).toBe('train');
    state = through(state, ['advertise']);
    for (const name of PHASES.slice(1)) {
      expect(state.phase).toEqual({ kind: 'secure-session', step: name, deadlineMillis: 120 });
      expect(workFor(state, 'basel')).toMatchObject({
        kind: 'secure-session',
        step: name,
        round: 1,
        attempt: 1,
        sites: 4,
      });
      state = after(state, [message('basel', name)], 20);
      expect(workFor(state, 'basel')).toBeNull();
      state = through(state, [name], four.slice(1));
    }
    expect(pendingEffect(state)).toMatchObject({ kind: 'aggregate', updates: four.map((site) => ({ site, figures })) });
    const committed = after(state, [
      {
        kind: 'aggregated',
        stage: 0,
        round: 1,
        model: hash('next'),
        optimiserState: null,
        sum: hash('sum'),
        transcript: hash('transcript'),
      },
    ]);
    expect(committed.stages[0]?.rounds[0]?.outcome).toMatchObject({
      kind: 'committed',
      participants: four,
      sum: hash('sum'),
      transcript: hash('transcript'),
    });
    expect(currentRound(committed)?.round).toBe(2);
  });

  test('begins at the round’s deadline without those that are still training, if three have trained', () => {
    const waiting = through(training(), ['advertise'], others);
    expect(nextDeadline(waiting)).toBe(10 + roundWindowMillis);
    const begun = at(waiting, 10 + roundWindowMillis);
    expect(begun.phase).toMatchObject({ kind: 'secure-session', step: 'share-keys' });
    expect(currentRound(begun)?.leftOut).toEqual([{ site: 'lugano', reason: 'late' }]);
    const two = at(through(training(), ['advertise'], ['basel', 'geneva']), 10 + roundWindowMillis);
    expect(two.phase).toEqual({ kind: 'failed', reason: 'quorum-not-met' });
  });

  test.each(['share-keys', 'masked-input'] as const)('goes on without a site that drops out in %s', (name) => {
    const waiting = through(through(training(), before(name)), [name], others);
    expect(onTime(waiting, 119)).toEqual([]);
    const rest = PHASES.slice(PHASES.indexOf(name) + 1);
    const closed = through(at(waiting, 120), rest, others, 1, 130);
    expect(closed.phase).toEqual({ kind: 'aggregating' });
    expect(currentRound(closed)?.accepted.map(({ site }) => site)).toEqual(others);
    expect(currentRound(closed)?.leftOut).toEqual([{ site: 'lugano', reason: 'dropped-out' }]);
  });

  test.each(['consistency', 'unmask'] as const)('keeps the vector of a site that drops out in %s', (name) => {
    const waiting = through(through(training(), before(name)), [name], others);
    const rest = PHASES.slice(PHASES.indexOf(name) + 1);
    const closed = through(at(waiting, 120), rest, others, 1, 130);
    expect(closed.phase).toEqual({ kind: 'aggregating' });
    expect(currentRound(closed)?.accepted.map(({ site }) => site)).toEqual(four);
  });

  test('asks only those who signed the list of survivors to reveal shares', () => {
    const waiting = through(through(training(), before('consistency')), ['consistency'], others);
    const unmasking = at(waiting, 120);
    expect(workFor(unmasking, 'lugano')).toBeNull();
    expect(step(unmasking, message('lugano', 'unmask'), 121).refusal).toBe('left-out');
  });

  test.each([
    'share-keys',
    'masked-input',
    'consistency',
  ] as const)('with too few survivors of %s begins again with new keys and everybody who trained', (name) => {
    const waiting = through(through(training(), before(name)), [name], ['basel', 'geneva']);
    const again = at(waiting, 120);
    expect(again.phase).toEqual({ kind: 'secure-session', step: 'advertise', deadlineMillis: 220 });
    const round = currentRound(again);
    expect(round?.session).toMatchObject({
      attempt: 2,
      aborts: [{ attempt: 1, step: name, reason: 'too-few-survivors' }],
    });
    expect(round?.accepted).toEqual([]);
    expect(workFor(again, 'lugano')).toMatchObject({ kind: 'secure-session', step: 'advertise', attempt: 2 });
    const closed = through(again, PHASES, four, 2, 130);
    expect(closed.phase).toEqual({ kind: 'aggregating' });
    expect(currentRound(closed)?.accepted.map(({ blob }) => blob)).toEqual(four.map((site) => hash(`2vector${site}`)));
  });

  test('never begins again once shares were asked for: two sums would give away their difference', () => {
    const waiting = through(through(training(), before('unmask')), ['unmask'], ['basel', 'geneva']);
    const failed = at(waiting, 120);
    expect(failed.phase).toEqual({ kind: 'failed', reason: 'too-few-shares' });
    expect(currentRound(failed)?.session?.attempt).toBe(1);
  });

  test('fails the round by name when its attempts are used up', () => {
    let state = through(training(), ['advertise']);
    for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
      expect(currentRound(state)?.session?.attempt).toBe(attempt);
      state = at(state, nextDeadline(state)!);
      if (attempt < MOST_ATTEMPTS) state = through(state, ['advertise'], four, attempt + 1, nextDeadline(state)! - 1);
    }
    expect(state.phase).toEqual({ kind: 'failed', reason: 'too-few-survivors' });
  });

  test('needs the plan’s quorum of survivors, too', () => {
    const waiting = through(through(training(four, 4), ['advertise']), ['share-keys'], others);
    expect(at(waiting, 120).phase).toMatchObject({ kind: 'secure-session', step: 'advertise' });
  });

  test.each(
    PHASES,
  )('acknowledges a repeated %s and changes nothing; refuses another one and keeps it as evidence', (name) => {
    const state = through(through(training(), before(name)), [name], ['basel']);
    expect(step(state, message('basel', name), 21)).toMatchObject({ refusal: null, events: [] });
    const other = message('basel', name, { body: hash('other') });
    const refused = step(state, other, 21);
    expect(refused.refusal).toBe('equivocation');
    expect(currentRound(refused.state)?.session?.conflicts).toEqual([
      { attempt: 1, step: name, site: 'basel', body: hash('other') },
    ]);
    expect(currentRound(refused.state)?.session?.steps[name]?.messages['basel']?.body).toBe(hash(`${name}1basel`));
    // Nobody can fill the journal with evidence against himself.
    expect(step(refused.state, { ...other, body: hash('third') }, 22).events).toEqual([]);
  });

  test('refuses by name what is too early, too late, of another attempt, or unsound', () => {
    const state = through(training(), ['advertise']);
    expect(step(state, message('basel', 'unmask'), 21).refusal).toBe('out-of-turn');
    expect(step(state, message('basel', 'share-keys', { attempt: 2 }), 21).refusal).toBe('wrong-attempt');
    const unsound = step(state, message('basel', 'share-keys', { finding: 'signature-wrong' }), 21);
    expect(unsound.refusal).toEqual({ finding: 'signature-wrong' });
    expect(currentRound(unsound.state)?.session?.steps['share-keys']?.messages).toEqual({});
    const later = at(through(state, ['share-keys'], others), 120);
    expect(step(later, message('lugano', 'share-keys'), 121).refusal).toBe('late');
    const again = at(through(state, ['share-keys'], ['basel']), 120);
    expect(step(again, message('geneva', 'share-keys'), 121).refusal).toBe('late');
  });

  test('takes no update that is not masked, and no session message in a study without sessions', () => {
    const offer = {
      blob: hash('blob'),
      model: hash('model'),
      layout: hash('layout'),
      figures,
      bytes: 1,
      finding: null,
    };
    const update = { kind: 'update', site: 'basel', stage: 'slices', round: 1, ...offer } as const;
    expect(step(training(), update, 20).refusal).toBe('session-expected');
  });

  test('lets a site leave before its vector is masked, and not afterwards', () => {
    const leave = { kind: 'decline-round', site: 'lugano', stage: 'slices', round: 1, reason: 'views-differ' } as const;
    const sharing = through(training(), ['advertise']);
    const left = after(sharing, [leave], 20);
    expect(currentRound(left)?.leftOut).toEqual([{ site: 'lugano', reason: 'views-differ' }]);
    expect(through(left, PHASES.slice(1), others).phase.kind).toBe('aggregating');
    expect(step(through(training(), before('consistency')), leave, 21).refusal).toBe('already-accepted');
  });

  test('gives sites their time after a restart of the coordinator', () => {
    const sharing = through(training(), ['advertise']);
    const restarted = step(sharing, { kind: 'restarted' }, 10_000).state;
    expect(restarted.phase).toEqual({ kind: 'secure-session', step: 'share-keys', deadlineMillis: 10_100 });
  });

  test.each([
    'share-keys',
    'masked-input',
    'consistency',
  ] as const)('begins again without a site that leaves the study, or is revoked, after it has answered %s', (name) => {
    const waiting = through(through(training(), before(name)), [name], ['lugano']);
    const again = after(waiting, [{ kind: 'decline', site: 'lugano', reason: 'site-revoked' }], 30);
    expect(again.phase).toMatchObject({ kind: 'secure-session', step: 'advertise' });
    expect(currentRound(again)?.leftOut).toEqual([{ site: 'lugano', reason: 'site-revoked' }]);
    expect(workFor(again, 'lugano')).toBeNull();
    const closed = through(again, PHASES, others, 2, 40);
    expect(currentRound(closed)?.accepted.map(({ site }) => site)).toEqual(others);
  });

  test('ends with the sum of all when a site leaves the study after shares were asked for', () => {
    const unmasking = through(through(training(), before('unmask')), ['unmask'], ['lugano']);
    const left = after(unmasking, [{ kind: 'decline', site: 'lugano', reason: 'site-revoked' }], 30);
    const closed = through(left, ['unmask'], others, 1, 40);
    expect(closed.phase).toEqual({ kind: 'aggregating' });
    expect(currentRound(closed)?.accepted.map(({ site }) => site)).toEqual(four);
  });

  test('begins again without the site whose message does not fit the others’', () => {
    const sharing = through(training(), ['advertise']);
    const broken = { kind: 'session-broken', stage: 0, round: 1, attempt: 1, reason: 'key-repeated' } as const;
    const again = after(sharing, [{ ...broken, suspect: 'lugano' }], 30);
    expect(currentRound(again)?.session).toMatchObject({ attempt: 2, aborts: [{ reason: 'key-repeated' }] });
    expect(currentRound(again)?.leftOut).toEqual([{ site: 'lugano', reason: 'key-repeated' }]);
    expect(step(again, { ...broken, suspect: 'basel' }, 31).refusal).toBe('out-of-turn');
  });
});
