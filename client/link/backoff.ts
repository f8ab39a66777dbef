/** Waiting before asking again: exponential backoff with full jitter (AWS Architecture Blog, 2015), and the server's own wish before all. */
import { setTimeout as delay } from 'node:timers/promises';
import { CoordinatorUnreachableError, DiskFullError, UntrustedAnswerError } from './errors.ts';

export interface Backoff {
  /** Upper end of the first wait. It doubles with every attempt. */
  readonly firstMillis: number;
  /** No wait is longer, whatever the attempt. */
  readonly maximumMillis: number;
}

export const DEFAULT_BACKOFF: Backoff = { firstMillis: 500, maximumMillis: 10_000 };

/** A site believes a wish to be left alone only up to here, so that one wrong header cannot silence it. */
const MAXIMUM_RETRY_AFTER_MILLIS = 600_000;

/** A wait drawn evenly from zero to the attempt's limit; `attempt` counts from 0, `random` draws from [0, 1). */
export function backoffMillis(
  attempt: number,
  { backoff, random }: { backoff: Backoff; random: () => number },
): number {
  return random() * Math.min(backoff.maximumMillis, backoff.firstMillis * 2 ** Math.min(attempt, 40));
}

/** What a Retry-After header asks for (RFC 9110 section 10.2.3: seconds or a date), or null when it says nothing useful. */
export function retryAfterMillis(header: string | undefined, nowMillis: number): number | null {
  if (header === undefined) return null;
  const millis = /^\d{1,9}$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - nowMillis;
  if (!Number.isFinite(millis)) return null;
  return Math.min(Math.max(millis, 0), MAXIMUM_RETRY_AFTER_MILLIS);
}

export interface Retrying {
  readonly signal: AbortSignal;
  /** How often to try in all; without it, until it works or the signal aborts. */
  readonly attempts?: number;
  readonly backoff?: Backoff;
  /** How far the work has come: whenever it has come farther, waits begin short again. */
  readonly progress?: () => number;
  /** Told before each wait. */
  readonly onTrouble?: (error: Error) => void;
  readonly random?: () => number;
  readonly sleep?: (millis: number, signal: AbortSignal) => Promise<void>;
}

async function sleepUnlessAborted(millis: number, signal: AbortSignal): Promise<void> {
  await delay(millis, undefined, { signal });
}

/** Whether the coordinator itself has not answered (it is away, or something else answers in its place), or this disk has no room: both pass. */
function mayPass(error: unknown): error is CoordinatorUnreachableError | UntrustedAnswerError | DiskFullError {
  return [CoordinatorUnreachableError, UntrustedAnswerError, DiskFullError].some((kind) => error instanceof kind);
}

/** Repeats an idempotent request until the coordinator itself answers; whatever it says then is final. */
export async function retry<Result>(
  attempt: () => Promise<Result>,
  {
    signal,
    attempts = Number.POSITIVE_INFINITY,
    backoff = DEFAULT_BACKOFF,
    progress,
    onTrouble,
    random = Math.random,
    sleep = sleepUnlessAborted,
  }: Retrying,
): Promise<Result> {
  let reached = progress?.() ?? 0;
  for (let count = 0; ; count++) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (!mayPass(error) || count + 1 >= attempts) throw error;
      onTrouble?.(error);
      const now = progress?.() ?? 0;
      if (now > reached) count = 0;
      reached = now;
      const asked = error instanceof CoordinatorUnreachableError ? (error.retryAfterMillis ?? 0) : 0;
      await sleep(Math.max(asked, backoffMillis(count, { backoff, random })), signal);
    }
  }
}
