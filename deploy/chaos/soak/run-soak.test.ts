import { describe, expect, test } from 'vitest';
import { withSeed } from '../seed/chaos-seed.ts';
import { runSoak } from './run-soak.ts';

describe('runSoak()', () => {
  test('fault 38: keeps every promise through a few seconds of random kills', { timeout: 240_000 }, async () => {
    const seed = 20_261_122;
    const repeat = (again: number) => `npm run soak -- --minutes 0.2 --seed ${again}`;
    const options = { seed, millis: 8000, sites: 4, roundsOfAStudy: 3, calmMillis: 1500, report: () => undefined };
    const { studies, committed, kills } = await withSeed({ seed, repeat }, () => runSoak(options));
    expect(studies).toBeGreaterThan(0);
    expect(committed).toBeGreaterThan(0);
    expect(kills.coordinator + kills.sites).toBeGreaterThan(0);
  });
});
