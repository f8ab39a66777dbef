import { describe, expect, test } from 'vitest';
import { mapConcurrently } from './map-concurrently.ts';

describe('mapConcurrently()', () => {
  test('keeps the order and never has more than the limit under way', async () => {
    let now = 0;
    let most = 0;
    const results = await mapConcurrently([30, 5, 20, 1, 1, 10], {
      limit: 3,
      work: async (millis, index) => {
        now += 1;
        most = Math.max(most, now);
        await new Promise((resolve) => setTimeout(resolve, millis));
        now -= 1;
        return index;
      },
    });
    expect(results).toEqual([0, 1, 2, 3, 4, 5]);
    expect(most).toBe(3);
  });

  test('begins nothing after a failure', async () => {
    const begun: number[] = [];
    const run = mapConcurrently([0, 1, 2, 3, 4, 5], {
      limit: 2,
      work: async (item) => {
        begun.push(item);
        await new Promise((resolve) => setTimeout(resolve, 5 * (item + 1)));
        if (item === 0) throw new Error('failed');
      },
    });
    await expect(run).rejects.toThrow('failed');
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(begun).toEqual([0, 1]);
  });
});
