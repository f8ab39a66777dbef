/** Which of a patient's slices are used. */
import type { ImageSeries, SliceReference } from './image-series.ts';

export interface ChosenSeries {
  readonly series: ImageSeries;
  readonly slices: readonly SliceReference[];
}

/**
 * A patient's largest series is used. Where it has fewer slices than this, as in collections of single slices, the next
 * ones are added until it is reached.
 */
export const SPARSE_SERIES_SLICES = 8;

/** `count` indices of 0..length-1, evenly spaced; all of them when there are no more. */
export function evenlySpaced(length: number, count: number): number[] {
  if (length <= count) return Array.from({ length }, (_, index) => index);
  return Array.from({ length: count }, (_, index) => Math.floor(((index + 0.5) * length) / count));
}

/**
 * Largest series first, Hounsfield before others of the same size; then at most `maximumSlices` evenly spaced over what was
 * taken. Series of one size keep the order they come in.
 */
export function chooseSlices(
  series: readonly ImageSeries[],
  { maximumSlices }: { maximumSlices: number },
): ChosenSeries[] {
  const ranked = series.toSorted(
    (a, b) => b.slices.length - a.slices.length || Number(b.hounsfield) - Number(a.hounsfield),
  );
  const taken: ImageSeries[] = [];
  let available = 0;
  for (const candidate of ranked) {
    if (available >= SPARSE_SERIES_SLICES) break;
    taken.push(candidate);
    available += candidate.slices.length;
  }
  const used = new Set(evenlySpaced(available, maximumSlices));
  let start = 0;
  const chosen: ChosenSeries[] = [];
  for (const one of taken) {
    const first = start;
    const slices = one.slices.filter((_, index) => used.has(first + index));
    if (slices.length > 0) chosen.push({ series: one, slices });
    start += one.slices.length;
  }
  return chosen;
}
