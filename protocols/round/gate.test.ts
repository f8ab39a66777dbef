import { describe, expect, test } from 'vitest';
import { applyEvent } from './apply-event.ts';
import type { GateRules, StudyEvent } from './events.ts';
import { decide } from './machine.ts';
import { currentRound, isOver, type StudyState } from './state.ts';
import { workFor } from './work-for.ts';

const sites = ['basel', 'geneva', 'zurich'];
const gateRules: GateRules = { normMultiple: 4, lossRise: 0.5, maximumRollbacks: 2 };
const hash = (label: string): string => Buffer.from(label.padEnd(32, '.')).toString('hex');

function launched(gate: GateRules | null = gateRules): StudyState {
  const begin: StudyEvent = {
    kind: 'study-launched',
    atMillis: 0,
    study: hash('study'),
    name: 'pilot',
    planBlob: hash('plan'),
    rules: {
      quorum: 2,
      readyWindowMillis: 1000,
      roundWindowMillis: 500,
      evaluationWindowMillis: 300,
      ...(gate !== null && { gate }),
      stages: [{ name: 'slices', kind: 'slice-pretraining', rounds: 6 }],
    },
    sites,
    deadlineMillis: 1000,
  };
  const counts = { series: 0, slices: 0, nonHounsfieldSeries: 0, clinical: 0, expression: 0, linked: 0, heldOut: 0 };
  const ready = {
    inventory: { patients: 1, ...counts },
    quarantine: {},
    engine: { kind: 'plain' as const, description: 'plain' },
  };
  let state = applyEvent(null, begin);
  for (const site of sites) state = fold(state, decide(state, { kind: 'ready', site, ready }, 1).events);
  const prepared = { kind: 'stage-prepared', stage: 0, layout: hash('layout'), model: hash('m0') } as const;
  return fold(state, decide(state, prepared, 1).events);
}

function fold(state: StudyState, events: readonly StudyEvent[]): StudyState {
  return events.reduce<StudyState>(applyEvent, state);
}

/** One round in which the sites report these losses and the coordinator's sum has this norm. */
function play(state: StudyState, { losses = [1, 1, 1], updateNorm = 1 } = {}): StudyState {
  const { round, startModel } = currentRound(state)!;
  let current = state;
  sites.forEach((site, i) => {
    const { events, refusal } = decide(
      current,
      {
        kind: 'update',
        site,
        stage: 'slices',
        round,
        blob: hash(`blob ${site}`),
        model: startModel,
        layout: hash('layout'),
        figures: { loss: losses[i]!, steps: 1, samples: 1, seconds: 1 },
        bytes: 1,
        finding: null,
      },
      2,
    );
    expect(refusal).toBeNull();
    current = fold(current, events);
  });
  const added = { kind: 'aggregated', stage: 0, round, model: hash(`m${round}`), updateNorm } as const;
  return fold(current, decide(current, { ...added, optimiserState: hash(`o${round}`) }, 3).events);
}

const outcomes = (state: StudyState) => state.stages[0]!.rounds.map(({ outcome }) => outcome?.kind ?? 'open');
const start = (state: StudyState) => currentRound(state)!.startModel;

describe('a round whose update is much longer than those before', () => {
  test('is rolled back to what it started from, and the study goes on', () => {
    const usual = play(play(play(launched())));
    const leapt = play(usual, { updateNorm: 4.5 });
    expect(outcomes(leapt)).toEqual(['committed', 'committed', 'committed', 'rolled-back', 'open']);
    expect(leapt.stages[0]!.rounds[3]!.outcome).toMatchObject({
      reason: 'update-norm-rose',
      rejectedModel: hash('m4'),
      model: hash('m3'),
    });
    expect(start(leapt)).toBe(hash('m3'));
    expect(leapt.stages[0]!.optimiserState).toBe(hash('o3'));
    expect(workFor(leapt, 'basel')).toMatchObject({ kind: 'train', round: 5, model: hash('m3') });
    expect(outcomes(play(usual, { updateNorm: 4 }))[3]).toBe('committed');
  });

  test('passes while there are too few rounds to compare with', () => {
    expect(outcomes(play(play(launched()), { updateNorm: 1000 }))[1]).toBe('committed');
  });

  test('never passes with a norm that is no number', () => {
    expect(outcomes(play(launched(), { updateNorm: Number.NaN }))[0]).toBe('rolled-back');
    expect(outcomes(play(launched(), { updateNorm: Number.POSITIVE_INFINITY }))[0]).toBe('rolled-back');
  });
});

describe('a rise of the training loss', () => {
  test('undoes the round before, whose result the sites started from', () => {
    const poisoned = play(play(launched()), { losses: [1, 1, 1] });
    expect(start(poisoned)).toBe(hash('m2'));
    const noticed = play(poisoned, { losses: [9, 9, 9] });
    expect(noticed.stages[0]!.rounds[2]!.outcome).toMatchObject({
      kind: 'rolled-back',
      reason: 'training-loss-rose',
      rejectedModel: hash('m3'),
      model: hash('m1'),
    });
    expect(start(noticed)).toBe(hash('m1'));
    expect(noticed.stages[0]!.optimiserState).toBe(hash('o1'));
    const healed = play(noticed);
    expect(outcomes(healed)).toEqual(['committed', 'committed', 'rolled-back', 'committed', 'open']);
    expect(start(healed)).toBe(hash('m4'));
  });

  test('at fewer than half of the sites is theirs alone: they cannot force a rollback, nor prevent one', () => {
    const before = play(launched());
    expect(outcomes(play(before, { losses: [1e9, 1, 1] }))[1]).toBe('committed');
    expect(outcomes(play(before, { losses: [0, 5, 5] }))[1]).toBe('rolled-back');
  });

  test('within the share passes', () => {
    expect(outcomes(play(play(launched()), { losses: [1.5, 1.5, 1.5] }))[1]).toBe('committed');
  });
});

describe('rollbacks', () => {
  test('are bounded: one more fails the study by name', () => {
    let state = play(launched());
    for (let i = 0; i < 2; i++) state = play(state, { losses: [9, 9, 9] });
    expect(outcomes(state)).toEqual(['committed', 'rolled-back', 'rolled-back', 'open']);
    const over = play(state, { losses: [9, 9, 9] });
    expect(over.phase).toEqual({ kind: 'failed', reason: 'too-many-rollbacks' });
  });

  test('count as rounds, so that the study ends', () => {
    let state = play(play(play(launched())));
    state = play(state, { updateNorm: 99 });
    state = play(state, { updateNorm: 99 });
    state = play(state);
    expect(isOver(state)).toBe(false);
    expect(state.phase.kind).toBe('evaluating');
    expect(workFor(state, 'basel')).toMatchObject({ kind: 'evaluate', models: [{ final: hash('m6') }] });
  });

  test('do not happen in studies without a gate', () => {
    let state = launched(null);
    for (const updateNorm of [1, 1, 1, 1e9]) state = play(state, { updateNorm, losses: [updateNorm, 1e9, 1e9] });
    expect(outcomes(state)).toEqual(['committed', 'committed', 'committed', 'committed', 'open']);
    expect(state.stages[0]).not.toHaveProperty('fallback');
    expect(state.stages[0]!.rounds[0]!.outcome).not.toHaveProperty('updateNorm');
  });
});
