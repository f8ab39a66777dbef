/** The intensity range of a series without Hounsfield units. */
import type { PixelFormat } from '../dicom/pixel-format.ts';

export interface IntensityRange {
  readonly low: number;
  readonly high: number;
}

/**
 * A little at both ends is left out: converted pictures span from the darkest to the brightest pixel, so that a piece of metal
 * would leave the body a narrow band of grey.
 */
const LOWER_SHARE = 0.005;
const UPPER_SHARE = 0.995;

/** Stored numbers from -32768 to 65535 counted over a series. */
export interface Histogram {
  add(counts: Uint32Array, format: PixelFormat): void;
  /** The range from the 0.5th to the 99.5th percentile. */
  range(): IntensityRange;
}

const LOWEST_STORED = -32_768;
const HIGHEST_STORED = 65_535;

export function createHistogram(): Histogram {
  const totals = new Float64Array(HIGHEST_STORED - LOWEST_STORED + 1);
  return {
    add: (counts, { signed }) => {
      const first = signed ? 0 : -LOWEST_STORED;
      for (let index = 0; index < counts.length; index += 1) totals[first + index]! += counts[index]!;
    },
    range: () => {
      const total = totals.reduce((sum, count) => sum + count, 0);
      const percentile = (share: number) => {
        let sum = 0;
        const found = totals.findIndex((count) => {
          sum += count;
          return sum > share * total;
        });
        return (found < 0 ? 0 : found) + LOWEST_STORED;
      };
      const low = percentile(LOWER_SHARE);
      return { low, high: Math.max(percentile(UPPER_SHARE), low + 1) };
    },
  };
}
