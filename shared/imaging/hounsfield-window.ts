/** An intensity window in Hounsfield units. */
export interface HounsfieldWindow {
  readonly low: number;
  readonly high: number;
}

/** Where a value lies in the window: 0 at or below `low`, 1 at or above `high`. */
export function inWindow(hounsfield: number, { low, high }: HounsfieldWindow): number {
  return Math.min(Math.max((hounsfield - low) / (high - low), 0), 1);
}
