/** How far a transfer has come, said to people often enough to watch and seldom enough to cost nothing. */
import { throttle } from '../throttle.ts';
import type { TaskProgress } from '../worker-messages.ts';

const REPORT_INTERVAL_MILLIS = 500;

/** @returns what to call with the bytes so far; the last ones are always told. */
export function transferProgress(
  report: (progress: TaskProgress) => void,
  of: Pick<TaskProgress, 'stage' | 'round' | 'total'> & {
    readonly activity: 'sending' | 'receiving';
    readonly loss?: number | null;
  },
): (bytes: number) => void {
  const told = throttle(report, {
    intervalMillis: REPORT_INTERVAL_MILLIS,
    isLast: ({ done, total }) => done === total,
  });
  return (bytes) => told({ loss: null, ...of, done: Math.min(bytes, of.total), perSecond: null });
}
