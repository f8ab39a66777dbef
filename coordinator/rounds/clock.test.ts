import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createSteadyClock } from './clock.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('createSteadyClock()', () => {
  test('rings once, also after longer than a timer can count', () => {
    const clock = createSteadyClock();
    const ring = vi.fn();
    const days40 = 40 * 86_400_000;
    clock.at(clock.now() + days40, ring);
    vi.advanceTimersByTime(days40 - 1);
    expect(ring).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    vi.advanceTimersByTime(days40);
    expect(ring).toHaveBeenCalledOnce();
  });

  test('rings at once for what is past, and not when it is cancelled', () => {
    const clock = createSteadyClock();
    const ring = vi.fn();
    clock.at(clock.now() - 5, ring);
    const cancel = clock.at(clock.now() + 5, ring);
    cancel();
    vi.advanceTimersByTime(10);
    expect(ring).toHaveBeenCalledOnce();
  });

  const minutes = (count: number) => count * 60_000;
  const jumps = [minutes(10), minutes(-10), minutes(1440), minutes(-1440)];
  test.each(
    jumps,
  )('keeps a deadline within a tenth when the machine’s clock leaps by %d ms, and never goes back', (jump) => {
    let leapt = 0;
    const clock = createSteadyClock({ wallMillis: () => Date.now() + leapt });
    const began = Date.now();
    const ring = vi.fn();
    clock.at(clock.now() + minutes(60), () => ring(Date.now() - began));
    let before = clock.now();
    for (let minute = 0; minute < 90; minute += 1) {
      if (minute === 20) leapt = jump;
      vi.advanceTimersByTime(minutes(1));
      const now = clock.now();
      expect(now - before).toBeGreaterThanOrEqual(minutes(0.9) - 2);
      expect(now - before).toBeLessThanOrEqual(minutes(1.1) + 2);
      before = now;
    }
    expect(ring).toHaveBeenCalledOnce();
    const [rangAfter] = ring.mock.calls[0] as [number];
    expect(rangAfter).toBeGreaterThan(minutes(60 / 1.1));
    expect(rangAfter).toBeLessThan(minutes(60 / 0.9));
  });

  test('says what the machine’s clock says again once it has caught up, and does not overshoot', () => {
    let leapt = 0;
    const clock = createSteadyClock({ wallMillis: () => Date.now() + leapt });
    for (const jump of [minutes(10), 0]) {
      leapt = jump;
      for (let minute = 0; minute < 110; minute += 1) {
        vi.advanceTimersByTime(minutes(1));
        clock.now();
      }
      expect(Math.abs(clock.now() - (Date.now() + leapt))).toBeLessThanOrEqual(1);
    }
  });
});
