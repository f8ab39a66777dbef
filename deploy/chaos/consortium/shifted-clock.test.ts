import { describe, expect, test } from 'vitest';
import { createShiftedClock } from './shifted-clock.ts';

describe('createShiftedClock()', () => {
  test('rings what is due once time was let pass, and nothing else', async () => {
    const clock = createShiftedClock();
    const rung: string[] = [];
    const start = clock.now();
    clock.at(start + 60_000, () => rung.push('minute'));
    clock.at(start + 7_200_000, () => rung.push('hours'));
    clock.at(start + 60_000, () => rung.push('cancelled'))();
    clock.pass(60_000);
    await expect.poll(() => rung).toEqual(['minute']);
    expect(clock.now() - start).toBeGreaterThanOrEqual(60_000);
    expect(clock.now() - start).toBeLessThan(90_000);
    clock.pass(60_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(rung).toEqual(['minute']);
  });
});
