/** Waits until the site's policy lets its machine train, if that is before the work's deadline. */
import { setTimeout as delay } from 'node:timers/promises';
import { readPolicy } from '../../policy/site-policy.ts';
import { nextTrainingHour } from '../../policy/training-hours.ts';
import { DeclineError } from '../decline-error.ts';

/** The policy is read anew so often: somebody may change the hours while the work waits. */
const LONGEST_WAIT_MILLIS = 30_000;

/** @throws {DeclineError} `policy-hours` when the hours begin only after the deadline. */
export async function awaitTrainingHours(options: {
  readonly folder: string;
  readonly deadlineMillis: number;
  readonly signal: AbortSignal;
  /** Called once when the hours have not begun. */
  readonly onWaiting: () => void;
  readonly nowMillis?: () => number;
}): Promise<void> {
  const { folder, deadlineMillis, signal, onWaiting, nowMillis = Date.now } = options;
  for (let waited = false; ; waited = true) {
    const { trainingHours } = await readPolicy(folder);
    const now = nowMillis();
    const begin = trainingHours === undefined ? now : nextTrainingHour(trainingHours, now);
    if (begin <= now) return;
    if (begin >= deadlineMillis) {
      throw new DeclineError(
        'policy-hours',
        `Cannot work now: this site's policy floor trainingHours lets it train from ${trainingHours?.from} to ${trainingHours?.to}, and the study's deadline ends before that.`,
      );
    }
    if (!waited) onWaiting();
    await delay(Math.min(begin - now, LONGEST_WAIT_MILLIS), undefined, { signal });
  }
}
