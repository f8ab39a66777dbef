/** The values that are told apart, in Hounsfield units for CT. */
export interface IntensityWindow {
  readonly low: number;
  readonly high: number;
}

/** Where a value lies in the window: 0 at or below `low`, 1 at or above `high`. A window without width is a threshold. */
export function inWindow(value: number, { low, high }: IntensityWindow): number {
  return Math.min(Math.max((value - low) / Math.max(high - low, Number.MIN_VALUE), 0), 1);
}
