/** The coordinator's time in tests: as it passes, but for what a test lets pass at once. */
import { type Clock, systemClock } from '@wardround/coordinator/rounds/clock.ts';

export interface ShiftedClock extends Clock {
  /** So much time has passed: what is due by then rings. */
  pass(millis: number): void;
}

function nothing(): void {}

export function createShiftedClock(): ShiftedClock {
  let shiftMillis = 0;
  const alarms = new Set<{ readonly timeMillis: number; readonly ring: () => void; cancel: () => void }>();
  const arm = (alarm: { readonly timeMillis: number; readonly ring: () => void }) =>
    systemClock.at(alarm.timeMillis - shiftMillis, alarm.ring);
  return {
    now: () => systemClock.now() + shiftMillis,
    at(timeMillis, ring) {
      const alarm = { timeMillis, ring: nothing, cancel: nothing };
      alarm.ring = () => {
        alarms.delete(alarm);
        ring();
      };
      alarm.cancel = arm(alarm);
      alarms.add(alarm);
      return () => {
        alarms.delete(alarm);
        alarm.cancel();
      };
    },
    pass(millis) {
      shiftMillis += millis;
      for (const alarm of alarms) {
        alarm.cancel();
        alarm.cancel = arm(alarm);
      }
    },
  };
}
