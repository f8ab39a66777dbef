import type { RoundState, StageState } from '@wardround/protocols/round/state.ts';
import { describe, expect, test } from 'vitest';
import { keptTranscripts, transcriptMessages } from './kept-transcripts.ts';

type Outcome = NonNullable<RoundState['outcome']>['kind'] | null;

function stage(name: string, outcomes: readonly Outcome[], isSecure = true): StageState {
  const rounds = outcomes.map((kind, index) => ({
    round: index + 1,
    outcome: kind === null ? null : { kind },
    ...(isSecure && { session: { steps: {} } }),
  }));
  return { name, rounds } as unknown as StageState;
}

const kept = (stages: readonly StageState[], every: number) =>
  keptTranscripts({ stages, endedAtMillis: null }, { every, afterEndMillis: 0, nowMillis: 0 }).map(
    (one) => `${one.stage.name} ${one.round.round}`,
  );
const committed = (count: number): Outcome[] => Array.from({ length: count }, () => 'committed');

describe('keptTranscripts()', () => {
  test('are of one committed round in so many of each stage, and of the newest until the next is committed', () => {
    expect(kept([stage('a', committed(5))], 2)).toEqual(['a 2', 'a 4', 'a 5']);
    expect(kept([stage('a', [...committed(5), null])], 2)).toEqual(['a 2', 'a 4', 'a 5']);
    expect(kept([stage('a', committed(5)), stage('b', committed(1))], 2)).toEqual(['a 2', 'a 4', 'b 1']);
    expect(kept([stage('a', committed(5))], 0)).toEqual(['a 5']);
  });

  test('are of no round without a sum, and of none without a session', () => {
    expect(kept([stage('a', ['committed', 'skipped', 'failed'])], 1)).toEqual(['a 1']);
    expect(kept([stage('a', committed(3), false)], 1)).toEqual([]);
  });
});

describe('keptTranscripts() of a study that has ended', () => {
  test('are all gone when their time is over', () => {
    const at = (nowMillis: number) =>
      keptTranscripts(
        { stages: [stage('a', committed(3))], endedAtMillis: 1000 },
        { every: 1, afterEndMillis: 90, nowMillis },
      ).length;
    expect([at(1000), at(1089), at(1090)]).toEqual([3, 3, 0]);
  });
});

describe('transcriptMessages()', () => {
  test('are those of the sites that went on, by phase and then by site', () => {
    const said = (...sites: string[]) => Object.fromEntries(sites.map((site) => [site, { body: site }]));
    const steps = {
      advertise: { sites: ['c', 'a', 'b'], messages: said('c', 'a', 'b') },
      'share-keys': { sites: ['a', 'b'], messages: said('b', 'a') },
    };
    const messages = transcriptMessages({ session: { steps } } as unknown as RoundState);
    expect(messages.map(({ phase, site }) => `${phase} ${site}`)).toEqual([
      'advertise a',
      'advertise b',
      'share-keys a',
      'share-keys b',
    ]);
  });
});
