import type { DecodePool } from '../workers/decode-pool.ts';
import { mapConcurrently } from '../workers/map-concurrently.ts';
import { type ChosenSeries, evenlySpaced } from './choose-slices.ts';
import { groupByFile } from './group-by-file.ts';
import type { SliceReference } from './image-series.ts';
import { createHistogram, type IntensityRange } from './own-range.ts';

const RANGE_SLICES = 8;

/** The slices that the range of a series without Hounsfield units is taken from. */
export function rangeSlices({ slices }: ChosenSeries): SliceReference[] {
  return evenlySpaced(slices.length, RANGE_SLICES).map((index) => slices[index]!);
}

/** The range of a series without Hounsfield units, from some of its slices. */
export async function seriesRange(series: ChosenSeries, pool: DecodePool): Promise<IntensityRange> {
  const histogram = createHistogram();
  const groups = [...groupByFile(rangeSlices(series), (slice) => slice)];
  await mapConcurrently(groups, {
    limit: pool.concurrency,
    work: async ([{ file, header }, slices]) => {
      const frames = slices.map(({ frame }) => frame);
      const answer = await pool.run({ kind: 'histogram', path: file.path, header, frames });
      // A slice that cannot be decoded is counted when it is wanted as a slice.
      if (answer.kind === 'histogram') histogram.add(answer.counts, header.format);
    },
  });
  return histogram.range();
}
