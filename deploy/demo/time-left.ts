/**
 * Guesses when an activity ends from how far it has come since it was first seen. Pure: memory goes in and comes out. No
 * guess is made before a tenth is done or two seconds have passed: a wrong number is worse than none.
 */
export interface Activity {
  /** Whose activity, and which: a change of key starts anew. */
  readonly site: string;
  readonly key: string;
  readonly done: number;
  readonly total: number;
}

export type TimeMemory = Readonly<
  Record<string, { readonly key: string; readonly fromDone: number; readonly sinceMillis: number }>
>;

export function observeActivity(memory: TimeMemory, activity: Activity, nowMillis: number): TimeMemory {
  const known = memory[activity.site];
  if (known?.key === activity.key && activity.done >= known.fromDone) return memory;
  return {
    ...memory,
    [activity.site]: { key: activity.key, fromDone: activity.done, sinceMillis: nowMillis },
  };
}

export function secondsLeft(memory: TimeMemory, activity: Activity, nowMillis: number): number | null {
  const known = memory[activity.site];
  if (known === undefined || known.key !== activity.key || activity.done >= activity.total) return null;
  const came = activity.done - known.fromDone;
  const seconds = (nowMillis - known.sinceMillis) / 1000;
  if (came <= 0 || seconds < 2 || came / activity.total < 0.1) return null;
  return ((activity.total - activity.done) * seconds) / came;
}
