import { describe, expect, test } from 'vitest';
import { chaosSeed, withSeed } from './chaos-seed.ts';

describe('chaosSeed()', () => {
  test('takes the seed that is given, and draws one otherwise', () => {
    expect(chaosSeed({ WARDROUND_CHAOS_SEED: '17' })).toBe(17);
    expect(chaosSeed({})).toBeGreaterThanOrEqual(0);
    expect(() => chaosSeed({ WARDROUND_CHAOS_SEED: 'x' })).toThrow('needed a whole number');
  });
});

describe('withSeed()', () => {
  test('says how to repeat what fails', async () => {
    const repeat = (seed: number) => `npm run soak -- --seed ${seed}`;
    const failing = withSeed({ seed: 5, repeat }, () => Promise.reject(new Error('a sum holds 2')));
    await expect(failing).rejects.toThrow('With the seed 5: a sum holds 2\nRepeat it with: npm run soak -- --seed 5');
    expect(await withSeed({ seed: 5, repeat }, async () => 'fine')).toBe('fine');
  });
});
