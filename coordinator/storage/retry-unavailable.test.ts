import { describe, expect, test, vi } from 'vitest';
import { createFakeClock } from '../testing/fake-clock.ts';
import { DatabaseUnavailableError } from './database-errors.ts';
import { retryUnavailable } from './retry-unavailable.ts';

describe('retryUnavailable()', () => {
  test('waits for the database, and for nothing else', async () => {
    const clock = createFakeClock(0);
    const task = vi.fn(async () => {
      if (task.mock.calls.length < 4) throw new DatabaseUnavailableError('away');
      return 'done';
    });
    const result = retryUnavailable(task, clock);
    for (const calls of [1, 2, 3]) {
      await vi.waitFor(() => expect(clock.nextAlarm()).not.toBeNull());
      expect(task).toHaveBeenCalledTimes(calls);
      clock.moveTo(clock.nextAlarm()!);
    }
    expect(await result).toBe('done');
    await expect(retryUnavailable(() => Promise.reject(new RangeError('wrong')), clock)).rejects.toThrow('wrong');
  });

  test('gives up in the end', async () => {
    const clock = createFakeClock(0);
    const away = vi.fn(() => Promise.reject(new DatabaseUnavailableError('away')));
    const result = expect(retryUnavailable(away, clock)).rejects.toThrow('away');
    await vi.waitFor(
      () => {
        const next = clock.nextAlarm();
        if (next !== null) clock.moveTo(next);
        expect(away).toHaveBeenCalledTimes(17);
      },
      { interval: 1 },
    );
    await result;
    expect(clock.now()).toBeGreaterThan(4 * 60_000);
  });
});
