import { describe, expect, test } from 'vitest';
import { PHASES } from '../secure-aggregation/messages.ts';
import { applyEvent } from './apply-event.ts';
import { decide, onTime } from './machine.ts';
import { currentRound, type StudyState } from './state.ts';
import type { StudyInput } from './study-input.ts';
import { trainingFigures as figures, labelHash as hash, siteReady as ready } from './testing/round-inputs.ts';

const five = ['basel', 'chur', 'geneva', 'lugano', 'zurich'];
const four = five.filter((site) => site !== 'lugano');

/** Round 1 is open, at 10. */
function study(stableCohorts: boolean): StudyState {
  const launched = applyEvent(null, {
    kind: 'study-launched',
    atMillis: 0,
    study: hash('study'),
    name: 'pilot',
    planBlob: hash('plan'),
    rules: {
      quorum: 3,
      readyWindowMillis: 500,
      roundWindowMillis: 1000,
      evaluationWindowMillis: 300,
      sessionWindowMillis: 100,
      maximumSkippedRounds: 3,
      ...(stableCohorts && { stableCohorts }),
      stages: [{ name: 'slices', kind: 'slice-pretraining', rounds: 9 }],
    },
    sites: five,
    deadlineMillis: 500,
  });
  return say(launched, [
    ...five.map((site): StudyInput => ({ kind: 'ready', site, ready })),
    { kind: 'stage-prepared', stage: 0, layout: hash('layout'), model: hash('model') },
  ]);
}

function say(state: StudyState, inputs: readonly StudyInput[], atMillis = 10): StudyState {
  return inputs.reduce(
    (current, input) => decide(current, input, atMillis).events.reduce<StudyState>(applyEvent, current),
    state,
  );
}

/** Plays the open round with these sites; the others say nothing, and their time runs out. */
function play(state: StudyState, sites: readonly string[]): StudyState {
  const { round } = currentRound(state)!;
  let current = state;
  let nowMillis = currentRound(state)!.openedAtMillis;
  for (const step of PHASES) {
    if (currentRound(current)?.round !== round || currentRound(current)?.outcome !== null) return current;
    nowMillis += 1;
    const messages = sites.map(
      (site): StudyInput => ({
        kind: 'session-message',
        site,
        stage: 'slices',
        round,
        attempt: 1,
        step,
        body: hash(`${round}${step}${site}`),
        figures: step === 'advertise' ? figures : null,
        vector: step === 'masked-input' ? { blob: hash(`${round}vector${site}`), bytes: 100 } : null,
        finding: null,
      }),
    );
    current = say(current, messages, nowMillis);
    const { phase } = current;
    const isOpen = phase.kind === 'training' || (phase.kind === 'secure-session' && phase.step === step);
    if (!isOpen || currentRound(current)?.round !== round) continue;
    nowMillis += 2000;
    current = onTime(current, nowMillis).reduce<StudyState>(applyEvent, current);
  }
  if (current.phase.kind !== 'aggregating') return current;
  const result = { kind: 'aggregated', stage: 0, round, model: hash(`model ${round}`), optimiserState: null } as const;
  return say(current, [{ ...result, sum: hash(`sum ${round}`), transcript: hash(`said ${round}`) }], nowMillis);
}

const outcomes = ({ stages }: StudyState) =>
  stages[0]!.rounds.flatMap(({ outcome }) =>
    outcome === null ? [] : [outcome.kind === 'skipped' ? outcome.reason : outcome.kind],
  );

describe('multi-round differencing: protection.stableCohorts', () => {
  test('skips one round when one site alone has left, before anything is revealed, and goes on without it', () => {
    const first = play(study(true), five);
    const second = play(first, four);
    expect(outcomes(second)).toEqual(['committed', 'one-site-changed']);
    expect(second.stages[0]!.rounds[1]!.session?.steps.unmask).toBeUndefined();
    expect(outcomes(play(second, four))).toEqual(['committed', 'one-site-changed', 'committed']);
  });

  test('skips nothing when two sites leave together, and nothing without the option', () => {
    expect(outcomes(play(play(study(true), five), four.slice(0, 3)))).not.toContain('one-site-changed');
    expect(outcomes(play(play(study(false), five), four))).toEqual(['committed', 'committed']);
  });
});
