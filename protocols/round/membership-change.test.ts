import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { describe, expect, test } from 'vitest';
import { changesBetween, mustHoldBack, type SummedRound } from './membership-change.ts';

const sum = (...survivors: string[]): SummedRound => ({ survivors, isHeldBack: false });
const heldBack: SummedRound = { survivors: null, isHeldBack: true };
const failed: SummedRound = { survivors: null, isHeldBack: false };

describe('multi-round differencing: mustHoldBack()', () => {
  test.each<[string, readonly SummedRound[], string[], boolean]>([
    ['the first round', [], ['a', 'b', 'c'], false],
    ['the same sites again', [sum('a', 'b', 'c')], ['c', 'b', 'a'], false],
    ['one site fewer', [sum('a', 'b', 'c', 'd')], ['a', 'b', 'c'], true],
    ['one site more', [sum('a', 'b', 'c')], ['a', 'b', 'c', 'd'], true],
    ['one in another’s place', [sum('a', 'b', 'c')], ['a', 'b', 'd'], false],
    ['two sites fewer', [sum('a', 'b', 'c', 'd', 'e')], ['a', 'b', 'c'], false],
    [
      'one site fewer than in the last sum, rounds without one in between',
      [sum('a', 'b', 'c', 'd'), failed],
      ['a', 'b', 'c'],
      true,
    ],
    ['one site fewer, for a second round', [sum('a', 'b', 'c', 'd'), heldBack], ['a', 'b', 'c'], false],
  ])('%s', (_, before, sites, expected) => {
    expect(mustHoldBack(before, sites)).toBe(expected);
  });

  test('over any history: adjacent rounds never have sums that differ in one site, and no two rounds in a row are held back', () => {
    for (let seed = 0; seed < 200; seed += 1) {
      const random = createRandom(seed);
      const history: SummedRound[] = [];
      let sites = ['a', 'b', 'c', 'd', 'e'];
      for (let round = 0; round < 60; round += 1) {
        sites = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].filter(
          (site) => random.next() < (sites.includes(site) ? 0.95 : 0.1),
        );
        history.push(mustHoldBack(history, sites) ? heldBack : sum(...sites));
      }
      for (const [index, round] of history.entries()) {
        const before = history[index - 1];
        if (before === undefined) continue;
        expect(before.isHeldBack && round.isHeldBack, `seed ${seed}, round ${index}`).toBe(false);
        if (before.survivors === null || round.survivors === null) continue;
        expect(changesBetween(before.survivors, round.survivors), `seed ${seed}, round ${index}`).not.toBe(1);
      }
    }
  });
});
