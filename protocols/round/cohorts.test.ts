import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { describe, expect, test } from 'vitest';
import { PHASES } from '../secure-aggregation/messages.ts';
import { sessionParameters } from '../secure-aggregation/parameters.ts';
import { checkStudyPlan } from '../study/parse-plan.ts';
import { smallPlan } from '../study/small-plan.ts';
import { applyEvent } from './apply-event.ts';
import { cohortRules, cohortsOfRound } from './cohorts.ts';
import { pendingEffect } from './effects.ts';
import { StudyEvent } from './events.ts';
import { decide, onTime } from './machine.ts';
import type { SessionStep } from './session-state.ts';
import { currentRound, type StudyState, stateHash } from './state.ts';
import type { StudyInput } from './study-input.ts';
import recorded from './test-vectors/cohort-journal.json' with { type: 'json' };
import { trainingFigures as figures, labelHash as hash, siteReady as ready } from './testing/round-inputs.ts';
import { workFor } from './work-for.ts';

const namesOf = (count: number) => Array.from({ length: count }, (_, i) => `site-${String(i).padStart(2, '0')}`);

interface Played {
  readonly state: StudyState;
  readonly events: readonly StudyEvent[];
}

/** Round 1 is open, at 10. */
function study(sites: readonly string[], rules: { size: number; quorum: number; stableCohorts?: true }): Played {
  const { size, quorum, ...others } = rules;
  const launched: StudyEvent = {
    kind: 'study-launched',
    atMillis: 0,
    study: hash('study'),
    name: 'pilot',
    planBlob: hash('plan'),
    rules: {
      quorum,
      readyWindowMillis: 500,
      roundWindowMillis: 1000,
      evaluationWindowMillis: 300,
      sessionWindowMillis: 100,
      maximumSkippedRounds: 3,
      ...others,
      cohorts: { size, fewest: 3 },
      stages: [{ name: 'slices', kind: 'slice-pretraining', rounds: 9 }],
    },
    sites: [...sites],
    deadlineMillis: 500,
  };
  return say({ state: applyEvent(null, launched), events: [launched] }, [
    ...sites.map((site): StudyInput => ({ kind: 'ready', site, ready })),
    { kind: 'stage-prepared', stage: 0, layout: hash('layout'), model: hash('model') },
  ]);
}

function follow({ state, events }: Played, more: readonly StudyEvent[]): Played {
  return { state: more.reduce<StudyState>(applyEvent, state), events: [...events, ...more] };
}

function say(played: Played, inputs: readonly StudyInput[], atMillis = 10): Played {
  return inputs.reduce((now, input) => follow(now, decide(now.state, input, atMillis).events), played);
}

/** Plays the open round to its end or to `aggregating`; `absent` says who is silent in a step of an attempt. */
function play(
  begun: Played,
  absent: (place: { attempt: number; step: SessionStep }) => readonly string[] = () => [],
): Played {
  const { round } = currentRound(begun.state)!;
  let played = begun;
  let nowMillis = currentRound(begun.state)!.openedAtMillis;
  for (let turn = 0; turn < 20; turn += 1) {
    const { phase } = played.state;
    const open = currentRound(played.state);
    if (open?.round !== round || open.outcome !== null || open.session === undefined) return played;
    const { attempt } = open.session;
    const step = phase.kind === 'training' ? 'advertise' : phase.kind === 'secure-session' ? phase.step : null;
    if (step === null) return played;
    const silent = absent({ attempt, step });
    const messages = (open.session.steps[step]?.sites ?? [])
      .filter((site) => !silent.includes(site))
      .map(
        (site): StudyInput => ({
          kind: 'session-message',
          site,
          stage: 'slices',
          round,
          attempt,
          step,
          body: hash(`${round}${attempt}${step}${site}`),
          figures: step === 'advertise' && attempt === 1 ? figures : null,
          vector: step === 'masked-input' ? { blob: hash(`${round}vector${site}`), bytes: 100 } : null,
          finding: null,
        }),
      );
    played = say(played, messages, ++nowMillis);
    const now = currentRound(played.state)?.session;
    const isOpen =
      now?.attempt === attempt && now.steps[step] !== undefined && currentRound(played.state)?.round === round;
    const { phase: after } = played.state;
    const isSame = after.kind === phase.kind && (after.kind !== 'secure-session' || after.step === step);
    if (!isOpen || !isSame) continue;
    nowMillis += 2000;
    played = follow(played, onTime(played.state, nowMillis));
  }
  throw new Error('the round does not end');
}

const commit = (played: Played): Played => {
  const { round } = currentRound(played.state)!;
  const made = { model: hash(`model ${round}`), optimiserState: null, sum: hash('a'), transcript: hash('said') };
  const cohortSums = ['a', 'b', 'c'].map(hash);
  return say(played, [{ kind: 'aggregated', stage: 0, round, ...made, cohortSums }], 9000 * round);
};

describe('cohorts of a round', () => {
  test('are formed of the sites that have trained, in an attempt of their own that is in the journal', () => {
    const nine = namesOf(9);
    const played = play(study(nine, { size: 3, quorum: 9 }));
    expect(played.state.phase).toEqual({ kind: 'aggregating' });
    const opened = played.events.filter((event) => event.kind === 'session-step-opened');
    expect(opened.map(({ attempt, step }) => [attempt, step])).toEqual(PHASES.map((step) => [2, step]));
    const cohorts = opened[0]!.cohorts!;
    expect(cohorts.map(({ length }) => length)).toEqual([3, 3, 3]);
    expect(cohorts.flat().sort()).toEqual(nine);
    expect(pendingEffect(played.state)).toMatchObject({
      cohorts: cohorts.map((members, cohort) => ({ cohort, members })),
    });
    expect(cohortsOfRound(nine, { rules: { size: 3, fewest: 3 }, study: hash('study') })).toEqual(cohorts);
    const done = commit(played);
    expect(done.state.stages[0]!.rounds[0]!.outcome).toMatchObject({ cohortSums: ['a', 'b', 'c'].map(hash) });
  });

  test('are told to the sites by the list of all that have trained', () => {
    const nine = namesOf(9);
    const begun = study(nine, { size: 3, quorum: 9 });
    expect(workFor(begun.state, 'site-00')).not.toHaveProperty('trained');
    const trained = say(
      begun,
      nine.map((site) => ({
        ...({
          kind: 'session-message',
          site,
          stage: 'slices',
          round: 1,
          attempt: 1,
          step: 'advertise',
          figures,
        } as const),
        ...{ body: hash(site), vector: null, finding: null },
      })),
    );
    expect(workFor(trained.state, 'site-00')).toMatchObject({ attempt: 2, step: 'advertise', trained: nine });
  });

  test('stay the same in every round and attempt of a study, and are others in another study', () => {
    const twelve = namesOf(12);
    const first = play(study(twelve, { size: 3, quorum: 12 }));
    const inFirst = first.state.stages[0]!.rounds[0]!.session!.cohorts;
    const rules = { size: 3, fewest: 3 };
    expect(cohortsOfRound(twelve, { rules, study: first.state.study })).toEqual(inFirst);
    const second = play(commit(first));
    expect(second.state.stages[0]!.rounds[1]!.session!.cohorts).toEqual(inFirst);
    expect(cohortsOfRound(twelve, { rules, study: hash('another study') })).not.toEqual(inFirst);
  });

  test.each([
    'advertise',
    'share-keys',
    'masked-input',
    'consistency',
    'unmask',
  ] as const)('a cohort that falls below its threshold in %s is left out with its sites by name, and the round goes on', (step) => {
    const twelve = namesOf(12);
    const silent = ['site-03'];
    const played = play(study(twelve, { size: 3, quorum: 9 }), (place) =>
      place.attempt === 2 && place.step === step ? silent : [],
    );
    expect(played.state.phase).toEqual({ kind: 'aggregating' });
    const round = currentRound(played.state)!;
    const lost = round.session!.cohorts!.find((members) => members.includes('site-03'))!;
    expect(round.leftOut).toEqual(
      lost.map((site) => ({ site, reason: site === 'site-03' ? 'dropped-out' : 'cohort-too-small' })),
    );
    expect(round.accepted.map(({ site }) => site).sort()).toEqual(twelve.filter((site) => !lost.includes(site)));
    expect(pendingEffect(played.state)).toMatchObject({ cohorts: { length: 3 } });
  });

  test('fewer than the rule needs: tried again while nothing was revealed, and then skipped', () => {
    const again = play(study(namesOf(9), { size: 3, quorum: 9 }), ({ attempt, step }) =>
      attempt === 2 && step === 'masked-input' ? ['site-05'] : [],
    );
    expect(again.state.phase).toEqual({ kind: 'aggregating' });
    expect(currentRound(again.state)!.session).toMatchObject({
      attempt: 3,
      aborts: [{ attempt: 2, step: 'masked-input', reason: 'too-few-cohorts' }],
    });
    const skipped = play(study(namesOf(9), { size: 3, quorum: 9 }), ({ step }) =>
      step === 'unmask' ? ['site-05'] : [],
    );
    expect(skipped.state.stages[0]!.rounds[0]!.outcome).toMatchObject({ kind: 'skipped', reason: 'too-few-cohorts' });
    expect(currentRound(skipped.state)!.round).toBe(2);
  });

  test('one that has no sum is left out, and the round is skipped when too few are left', () => {
    const played = play(study(namesOf(12), { size: 3, quorum: 9 }));
    const unusable = (cohort: number, suspect: string | null): StudyInput => ({
      ...({ kind: 'cohort-unusable', stage: 0, round: 1, cohort, reason: 'canary-wrong', suspect } as const),
    });
    const cohorts = currentRound(played.state)!.session!.cohorts!;
    const suspect = cohorts[1]![0]!;
    const once = say(played, [unusable(1, suspect)], 5000);
    expect(once.state.phase).toEqual({ kind: 'aggregating' });
    expect(currentRound(once.state)!.leftOut).toEqual(
      cohorts[1]!.map((site) => ({ site, reason: site === suspect ? 'canary-wrong' : 'cohort-too-small' })),
    );
    expect(pendingEffect(once.state)).toMatchObject({ cohorts: [0, 2, 3].map((cohort) => ({ cohort })) });
    expect(decide(once.state, unusable(1, null), 5000).refusal).toBe('out-of-turn');
    const twice = say(once, [unusable(2, null)], 5000);
    expect(twice.state.stages[0]!.rounds[0]!.outcome).toMatchObject({ kind: 'skipped', reason: 'too-few-cohorts' });
  });

  test('whoever drops out in whatever step: each cohort that is added has its threshold, and the journal folds to the same', () => {
    for (let trial = 0; trial < 60; trial += 1) {
      const seed = `cohorts, trial ${trial}`;
      const random = createRandom(seed);
      const size = 3 + random.int(3);
      const sites = namesOf(3 * size + random.int(2 * size));
      const silentFrom = new Map(
        random
          .shuffle(sites)
          .slice(0, random.int(4))
          .map((site) => [site, random.int(PHASES.length)]),
      );
      const played = play(study(sites, { size, quorum: 3 * size }), ({ attempt, step }) =>
        attempt === 1 ? [] : sites.filter((site) => (silentFrom.get(site) ?? 9) <= PHASES.indexOf(step)),
      );
      const folded = played.events
        .map((event) => StudyEvent.parse(JSON.parse(JSON.stringify(event))))
        .reduce<StudyState | null>(applyEvent, null)!;
      expect(stateHash(folded), seed).toBe(stateHash(played.state));
      const first = played.state.stages[0]!.rounds[0]!;
      const effect = pendingEffect(played.state);
      if (effect?.kind !== 'aggregate') {
        expect(first.outcome, seed).toMatchObject({ kind: 'skipped', reason: 'too-few-cohorts' });
        continue;
      }
      expect(effect.cohorts!.length, seed).toBeGreaterThanOrEqual(3);
      expect(effect.cohorts!.flatMap(({ members }) => members).sort(), seed).toEqual(
        effect.updates.map(({ site }) => site),
      );
      for (const { cohort, members } of effect.cohorts!) {
        const begun = first.session!.steps['share-keys']!.sites.filter((site) =>
          first.session!.cohorts![cohort]!.includes(site),
        );
        expect(members.length, seed).toBeGreaterThanOrEqual(sessionParameters(begun.length).fewestSurvivors);
        expect(begun.length, seed).toBeGreaterThanOrEqual(size);
      }
      const named = [...first.leftOut.map(({ site }) => site), ...first.accepted.map(({ site }) => site)];
      expect(named.sort(), seed).toEqual(sites);
    }
  });

  test('a recorded journal folds to the state of then', () => {
    const events = recorded.events.map((event) => StudyEvent.parse(event));
    expect(events.filter((event) => 'cohorts' in event)).toHaveLength(1);
    const folded = events.reduce<StudyState | null>(applyEvent, null)!;
    expect(stateHash(folded)).toBe(recorded.stateHash);
  });

  test('with stableCohorts a round in which one site alone left a cohort is held back', () => {
    const names = namesOf(12);
    const before = commit(play(study(names, { size: 4, quorum: 11, stableCohorts: true })));
    const after = play(before, ({ attempt, step }) => (attempt === 2 && step === 'share-keys' ? ['site-07'] : []));
    expect(after.state.stages[0]!.rounds[1]!.outcome).toMatchObject({ kind: 'skipped', reason: 'one-site-changed' });
  });
});

describe('a plan with protection.cohorts', () => {
  const plan = (protection: object, quorum = 9) => {
    const base = smallPlan();
    return checkStudyPlan({
      ...base,
      participation: { ...base.participation, quorum },
      protection: { ...base.protection, mode: 'secure-aggregation', ...protection },
    });
  };

  test('says how many cohorts of how many sites its rule needs', () => {
    expect(cohortRules(plan({}))).toBeNull();
    expect(cohortRules(plan({ cohorts: { size: 3, rule: 'median' } }))).toEqual({ size: 3, fewest: 3 });
    const trimmed = { size: 4, rule: 'trimmed-mean', trimmed: 2 };
    expect(cohortRules(plan({ cohorts: trimmed, codeBits: 16 }, 20))).toEqual({ size: 4, fewest: 5 });
  });

  test.each([
    [{ cohorts: { size: 2, rule: 'median' } }, 9, 'protection.cohorts.size'],
    [{ cohorts: { size: 3, rule: 'median', trimmed: 1 } }, 9, 'belongs to the rule trimmed-mean'],
    [{ cohorts: { size: 3, rule: 'median' } }, 8, 'must be at least 9 with protection.cohorts'],
    [{ cohorts: { size: 3, rule: 'median' }, mode: 'sealed' }, 9, 'must be secure-aggregation'],
    [{ cohorts: { size: 3, rule: 'krum' } }, 9, 'protection.cohorts.rule'],
  ])('is refused as %j with a quorum of %i', (protection, quorum, problem) => {
    expect(() => plan(protection, quorum)).toThrow(problem);
  });
});
