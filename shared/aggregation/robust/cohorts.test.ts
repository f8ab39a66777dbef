import { describe, expect, test } from 'vitest';
import { createRandom } from '../../random/seeded-random.ts';
import { aggregateCohorts, assignCohorts } from './cohorts.ts';
import { piecesOf } from './robust-mean.ts';

const sites = Array.from({ length: 23 }, (_, i) => `site-${i}`);
const seed = 'study and roster';

describe('assignCohorts()', () => {
  test('puts every site into one cohort, of sizes that differ by one at most', () => {
    const cohorts = assignCohorts(sites, { seed, cohorts: 5 });
    expect(cohorts.flat().sort()).toEqual(sites.toSorted());
    expect(cohorts.map(({ length }) => length).sort()).toEqual([4, 4, 5, 5, 5]);
  });

  test('is the same for the same study and roster in any order, and another for another', () => {
    const cohorts = assignCohorts(sites, { seed, cohorts: 5 });
    expect(assignCohorts(sites.toReversed(), { seed, cohorts: 5 })).toEqual(cohorts);
    expect(assignCohorts(sites, { seed: 'another roster', cohorts: 5 })).not.toEqual(cohorts);
  });

  test('refuses too few cohorts and too small ones', () => {
    expect(() => assignCohorts(sites, { seed, cohorts: 4 })).toThrow('at least 5 are needed, found 4');
    expect(() => assignCohorts(sites, { seed, cohorts: 6 })).toThrow('need 24 sites, found 23');
    expect(() => assignCohorts([...sites, 'site-1'], { seed, cohorts: 5 })).toThrow('named once');
  });
});

describe('aggregateCohorts()', () => {
  const random = createRandom('cohorts');
  const honest = (): Float32Array => Float32Array.from({ length: 10 }, () => 1 + 0.1 * (random.next() - 0.5));
  const counts = [4, 5, 4, 5, 5];

  test('withstands a cohort that one site spoiled', async () => {
    const means = [honest(), honest(), new Float32Array(10).fill(-1e6), honest(), honest()];
    for (const kind of ['median', 'trimmed-mean'] as const) {
      const rule = { kind, faulty: 1 };
      const { mean } = await aggregateCohorts(piecesOf(means), { sites: counts, rule, pieceLength: 3 });
      for (const value of mean) expect(Math.abs(value - 1)).toBeLessThan(0.06);
    }
  });

  test('refuses what would reveal or withstand too little', async () => {
    const rule = { kind: 'median', faulty: 1 } as const;
    const means = Array.from({ length: 5 }, honest);
    const refused = (
      changed: Partial<Parameters<typeof aggregateCohorts>[1]>,
      of: readonly Float32Array[] = means,
    ): Promise<unknown> => aggregateCohorts(piecesOf(of), { sites: counts, rule, pieceLength: 3, ...changed });
    await expect(refused({ sites: counts.slice(1) }, means.slice(1))).rejects.toThrow('at least 5');
    await expect(refused({ sites: [4, 4, 3, 4, 4] })).rejects.toThrow('at least 4 sites, found one of 3');
    await expect(refused({ rule: { kind: 'krum', faulty: 1 } })).rejects.toThrow('needed median or trimmed-mean');
    await expect(refused({ rule: { kind: 'trimmed-mean', faulty: 3 } })).rejects.toThrow('needs 7, found 5');
  });
});
