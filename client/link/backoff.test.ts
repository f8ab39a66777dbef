import { describe, expect, test } from 'vitest';
import { backoffMillis, retry, retryAfterMillis } from './backoff.ts';
import { CoordinatorRefusedError, CoordinatorUnreachableError, UntrustedAnswerError } from './errors.ts';

const backoff = { firstMillis: 100, maximumMillis: 1000 };

describe('backoffMillis()', () => {
  test('draws from zero to a limit that doubles up to the maximum', () => {
    const limits = [0, 1, 2, 3, 4, 50, 5000].map((attempt) => backoffMillis(attempt, { backoff, random: () => 1 }));
    expect(limits).toEqual([100, 200, 400, 800, 1000, 1000, 1000]);
    expect(backoffMillis(3, { backoff, random: () => 0 })).toBe(0);
  });
});

describe('retryAfterMillis()', () => {
  const now = Date.parse('Sun, 22 Nov 2026 10:00:00 GMT');

  test.each([
    ['7', 7000],
    ['Sun, 22 Nov 2026 10:00:30 GMT', 30_000],
    ['Sun, 22 Nov 2026 09:00:00 GMT', 0],
    ['999999999', 600_000],
    ['soon', null],
    ['-5', 0],
    [undefined, null],
  ])('reads %s as %s', (header, millis) => {
    expect(retryAfterMillis(header, now)).toBe(millis);
  });
});

describe('retry()', () => {
  function failing(...errors: Error[]) {
    const slept: number[] = [];
    let calls = 0;
    const attempt = async () => {
      const error = errors[calls++];
      if (error !== undefined) throw error;
      return calls;
    };
    const options = {
      signal: new AbortController().signal,
      backoff,
      random: () => 0.5,
      sleep: async (millis: number) => void slept.push(millis),
    };
    return { attempt, options, slept };
  }
  const away = (retryAfter: number | null = null) =>
    new CoordinatorUnreachableError('Cannot reach', { retryAfterMillis: retryAfter });

  test('repeats while the coordinator is away, each time for longer', async () => {
    const { attempt, options, slept } = failing(away(), away(), new UntrustedAnswerError('Cannot believe'));
    expect(await retry(attempt, options)).toBe(4);
    expect(slept).toEqual([50, 100, 200]);
  });

  test('waits as long as the server asked for', async () => {
    const { attempt, options, slept } = failing(away(5000), away(1));
    await retry(attempt, options);
    expect(slept).toEqual([5000, 100]);
  });

  test('takes a refusal as final', async () => {
    const refused = new CoordinatorRefusedError({ status: 409, code: 'late', explanation: 'The deadline has passed.' });
    const { attempt, options, slept } = failing(refused);
    await expect(retry(attempt, options)).rejects.toBe(refused);
    expect(slept).toEqual([]);
  });

  test('gives up after the attempts it has', async () => {
    const { attempt, options, slept } = failing(away(), away(), away());
    await expect(retry(attempt, { ...options, attempts: 3 })).rejects.toThrow(CoordinatorUnreachableError);
    expect(slept).toHaveLength(2);
  });

  test('stops at once when the signal aborts', async () => {
    const stop = new AbortController();
    const waiting = retry(async () => Promise.reject(away()), {
      signal: stop.signal,
      backoff: { firstMillis: 1e6, maximumMillis: 1e6 },
    });
    setTimeout(() => stop.abort(), 10);
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('begins with short waits again whenever the work has come farther', async () => {
    let reached = 0;
    const waits: number[] = [];
    const attempt = async () => {
      if (waits.length === 3) reached = 10;
      if (waits.length === 5) return 'done';
      throw new CoordinatorUnreachableError('away');
    };
    await retry(attempt, {
      signal: new AbortController().signal,
      backoff: { firstMillis: 100, maximumMillis: 10_000 },
      random: () => 0.5,
      progress: () => reached,
      sleep: async (millis) => void waits.push(millis),
    });
    expect(waits).toEqual([50, 100, 200, 50, 100]);
  });
});
