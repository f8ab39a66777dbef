/** The time and its alarms, injected so that tests decide what time it is. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `ring` once at the given time or soon after; the returned function cancels it. */
  at(timeMillis: number, ring: () => void): () => void;
}

/** setTimeout counts in 32 bits: longer waits are taken in parts. */
const longestWaitMillis = 0x7fff_ffff;
/** How much of the time that passes may go into following the machine's clock. */
const catchUpShare = 0.1;

/**
 * A time that never goes back and never leaps: it begins with the machine's clock, counts what passes, and runs at most a
 * tenth faster or slower until it says the same again. So a machine's clock that is set, wrongly or rightly, in the middle of
 * a round makes no deadline fall at once and keeps none from falling.
 */
export function createSteadyClock({
  wallMillis = () => Date.now(),
  passedMillis = () => performance.now(),
}: {
  /** The machine's clock, milliseconds since 1970. */
  readonly wallMillis?: () => number;
  /** Since any moment; goes only forward. */
  readonly passedMillis?: () => number;
} = {}): Clock {
  let steady = wallMillis();
  let last = passedMillis();
  const now = (): number => {
    const passed = passedMillis();
    const elapsed = Math.max(0, passed - last);
    last = passed;
    const behind = wallMillis() - (steady + elapsed);
    const most = catchUpShare * elapsed;
    steady += elapsed + Math.max(-most, Math.min(most, behind));
    return Math.floor(steady);
  };
  return {
    now,
    at(timeMillis, ring) {
      let timer: NodeJS.Timeout;
      const wait = (): void => {
        const left = timeMillis - now();
        if (left <= 0) {
          ring();
          return;
        }
        timer = setTimeout(wait, Math.min(left, longestWaitMillis));
        timer.unref();
      };
      // Never before this function has returned.
      timer = setTimeout(wait, Math.max(0, Math.min(timeMillis - now(), longestWaitMillis)));
      timer.unref();
      return () => clearTimeout(timer);
    },
  };
}

export const systemClock: Clock = createSteadyClock();
