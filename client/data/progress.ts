/** How far the intake is, for people watching. */
export interface ReadingProgress {
  readonly activity: 'reading-headers' | 'reading-tables' | 'decoding-slices';
  readonly done: number;
  readonly total: number;
}

export type OnReadingProgress = (progress: ReadingProgress) => void;
