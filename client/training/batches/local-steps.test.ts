import { describe, expect, test } from 'vitest';
import { localBatches, localSteps, stageProgress } from './local-steps.ts';

describe('localBatches()', () => {
  const drawn: number[] = [];
  const drawEpoch = (epoch: number) => {
    drawn.push(epoch);
    return [`${epoch}a`, `${epoch}b`, `${epoch}c`];
  };

  test('runs through all local epochs', () => {
    expect([...localBatches({ localEpochs: 2 }, drawEpoch)]).toEqual(['0a', '0b', '0c', '1a', '1b', '1c']);
  });

  test('ends at the plan’s limit of steps and draws no epoch beyond it', () => {
    drawn.length = 0;
    expect([...localBatches({ localEpochs: 5, maximumLocalSteps: 4 }, drawEpoch)]).toEqual(['0a', '0b', '0c', '1a']);
    expect([...localBatches({ localEpochs: 5, maximumLocalSteps: 3 }, drawEpoch)]).toHaveLength(3);
    expect(drawn).toEqual([0, 1, 0]);
    expect(localSteps(3, { localEpochs: 5, maximumLocalSteps: 4 })).toBe(4);
    expect(localSteps(3, { localEpochs: 1, maximumLocalSteps: 4 })).toBe(3);
  });
});

describe('stageProgress()', () => {
  test('rises evenly from 0 over all rounds and never reaches 1 before the last step', () => {
    const all = [1, 2, 3].flatMap((round) =>
      [0, 1, 2, 3].map((step) => stageProgress({ round, rounds: 3, step, steps: 4 })),
    );
    expect(all).toEqual(all.map((_, index) => expect.closeTo(index / 12, 12)));
  });
});
