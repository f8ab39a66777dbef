/** A clock that stands still until a test moves it. */
import type { Clock } from '../rounds/clock.ts';

export interface FakeClock extends Clock {
  /** Moves on and rings what is due, in order. */
  moveTo(timeMillis: number): void;
  /** When the next alarm rings, or null. */
  nextAlarm(): number | null;
}

export function createFakeClock(startMillis: number): FakeClock {
  let nowMillis = startMillis;
  const alarms = new Set<{ readonly timeMillis: number; readonly ring: () => void }>();
  const next = () => [...alarms].sort((a, b) => a.timeMillis - b.timeMillis)[0];
  return {
    now: () => nowMillis,
    at(timeMillis, ring) {
      const alarm = { timeMillis, ring };
      alarms.add(alarm);
      return () => alarms.delete(alarm);
    },
    moveTo(timeMillis) {
      for (let due = next(); due !== undefined && due.timeMillis <= timeMillis; due = next()) {
        nowMillis = Math.max(nowMillis, due.timeMillis);
        alarms.delete(due);
        due.ring();
      }
      nowMillis = timeMillis;
    },
    nextAlarm: () => next()?.timeMillis ?? null,
  };
}
