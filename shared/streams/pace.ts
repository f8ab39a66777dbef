/** So many bytes a second and no more, however many connections share them. */
import { setTimeout as delay } from 'node:timers/promises';

export interface Pace {
  /** Resolves when the next bytes may pass; all who give the same key share one pace. Rejects when the signal aborts. */
  pass(
    key: string,
    next: { readonly bytes: number; readonly bytesPerSecond: number; readonly signal?: AbortSignal },
  ): Promise<void>;
}

/** What passes may be ahead of its time by so much: waiting for each few bytes would cost more than it keeps. */
const AHEAD_MILLIS = 50;

export function createPace(nowMillis: () => number = () => performance.now()): Pace {
  /** By key, when what has passed is due at that pace. */
  const dueMillis = new Map<string, number>();
  return {
    async pass(key, { bytes, bytesPerSecond, signal }) {
      const now = nowMillis();
      const due = Math.max(now, dueMillis.get(key) ?? 0) + (bytes / bytesPerSecond) * 1000;
      dueMillis.set(key, due);
      const earlyMillis = due - now - AHEAD_MILLIS;
      if (earlyMillis > 0) await delay(earlyMillis, undefined, signal === undefined ? {} : { signal });
    },
  };
}
