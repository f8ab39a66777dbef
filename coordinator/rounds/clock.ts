/** The time and its alarms, injected so that tests decide what time it is. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `ring` once at the given time or soon after; the returned function cancels it. */
  at(timeMillis: number, ring: () => void): () => void;
}

/** setTimeout counts in 32 bits: longer waits are taken in parts. */
const longestWaitMillis = 0x7fff_ffff;

export const systemClock: Clock = {
  now: () => Date.now(),
  at(timeMillis, ring) {
    let timer: NodeJS.Timeout;
    const wait = (): void => {
      const left = timeMillis - Date.now();
      timer = left > longestWaitMillis ? setTimeout(wait, longestWaitMillis) : setTimeout(ring, Math.max(0, left));
      timer.unref();
    };
    wait();
    return () => clearTimeout(timer);
  },
};
