import { describe, expect, test } from 'vitest';
import { createPace } from './pace.ts';

describe('createPace()', () => {
  test('lets no more pass than the pace, shared by all of one key, and others at their own', async () => {
    const pace = createPace();
    const startMillis = performance.now();
    const passing = Array.from({ length: 5 }, () => pace.pass('line', { bytes: 10_000, bytesPerSecond: 100_000 }));
    await pace.pass('other', { bytes: 1000, bytesPerSecond: 100_000 });
    expect(performance.now() - startMillis).toBeLessThan(200);
    await Promise.all(passing);
    expect(performance.now() - startMillis).toBeGreaterThan(400);
  });

  test('saves nothing up while nothing passes', async () => {
    let nowMillis = 0;
    const pace = createPace(() => nowMillis);
    await pace.pass('line', { bytes: 10, bytesPerSecond: 1000 });
    nowMillis = 1_000_000;
    const startMillis = performance.now();
    await pace.pass('line', { bytes: 300, bytesPerSecond: 1000 });
    expect(performance.now() - startMillis).toBeGreaterThan(200);
  });

  test('ends with its signal', async () => {
    const stop = new AbortController();
    const passing = createPace().pass('line', { bytes: 1e5, bytesPerSecond: 1, signal: stop.signal });
    stop.abort();
    await expect(passing).rejects.toThrow('aborted');
  });
});
