import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from './clock.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('systemClock', () => {
  test('rings once, also after longer than a timer can count', () => {
    const ring = vi.fn();
    const days40 = 40 * 86_400_000;
    systemClock.at(systemClock.now() + days40, ring);
    vi.advanceTimersByTime(days40 - 1);
    expect(ring).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    vi.advanceTimersByTime(days40);
    expect(ring).toHaveBeenCalledOnce();
  });

  test('rings at once for what is past, and not when it is cancelled', () => {
    const ring = vi.fn();
    systemClock.at(systemClock.now() - 5, ring);
    const cancel = systemClock.at(systemClock.now() + 5, ring);
    cancel();
    vi.advanceTimersByTime(10);
    expect(ring).toHaveBeenCalledOnce();
  });
});
