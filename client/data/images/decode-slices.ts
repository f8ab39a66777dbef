/** Decodes the chosen slices of all patients into one block, from the cache where it has them. */
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import type { OnReadingProgress } from '../progress.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import type { SliceImages } from '../slice-images.ts';
import type { DecodeJob } from '../workers/decode-jobs.ts';
import type { DecodePool } from '../workers/decode-pool.ts';
import { mapConcurrently } from '../workers/map-concurrently.ts';
import type { ChosenSeries } from './choose-slices.ts';
import { groupByFile } from './group-by-file.ts';
import type { IntensityRange } from './own-range.ts';
import { seriesRange } from './series-range.ts';
import { loadSlices, saveSlices, sliceCachePath } from './slice-cache.ts';
import { sliceSlots } from './slice-slots.ts';

type Imaging = StudyPlan['imaging'];

export interface DecodeSlicesOptions {
  readonly imaging: Imaging;
  readonly pool: DecodePool;
  readonly cacheDirectory: string | undefined;
  readonly quarantine: Quarantine;
  readonly onProgress: OnReadingProgress;
}

export interface DecodedSlices {
  readonly images: SliceImages;
  /** Per patient: where their slices are; null when none could be decoded. */
  readonly ranges: readonly ({ readonly first: number; readonly count: number } | null)[];
  /** `failed` when the cache could not be written; training does not need it. */
  readonly cache: 'none' | 'used' | 'written' | 'failed';
}

/** Slices that lost their place to damaged ones close up, patient by patient. */
function closeUp(levels: Uint8Array, { pixels, good }: { pixels: number; good: readonly boolean[] }): Uint8Array {
  let next = 0;
  for (const [place, kept] of good.entries()) {
    if (!kept) continue;
    if (next !== place) levels.copyWithin(next * pixels, place * pixels, (place + 1) * pixels);
    next += 1;
  }
  return next === good.length ? levels : levels.slice(0, next * pixels);
}

/** @param chosen per patient the series and slices to use */
export async function decodeSlices(
  chosen: readonly (readonly ChosenSeries[])[],
  { imaging, pool, cacheDirectory, quarantine, onProgress }: DecodeSlicesOptions,
): Promise<DecodedSlices> {
  const { sizePixels, windowHounsfield } = imaging;
  const pixels = sizePixels * sizePixels;
  const slots = await sliceSlots(chosen);
  const levels = new Uint8Array(slots.length * pixels);
  const good = slots.map(() => false);

  const cachePath =
    cacheDirectory === undefined ? null : sliceCachePath(cacheDirectory, { sizePixels, windowHounsfield });
  const cached = cachePath === null ? null : await loadSlices(cachePath, { sizePixels });
  const cachedPlaces = new Map(cached?.names.map((name, index) => [name, index]));
  for (const { name, place } of slots) {
    const from = cachedPlaces.get(name);
    if (cached === null || from === undefined) continue;
    levels.set(cached.levels.subarray(from * pixels, (from + 1) * pixels), place * pixels);
    good[place] = true;
  }

  const missing = slots.filter(({ place }) => !good[place]);
  const ranges = new Map<ChosenSeries, Promise<IntensityRange>>();
  const rangeOf = (series: ChosenSeries) => {
    const known = ranges.get(series) ?? seriesRange(series, pool);
    ranges.set(series, known);
    return known;
  };
  let done = slots.length - missing.length;
  const report = () => onProgress({ activity: 'decoding-slices', done, total: slots.length });
  report();
  await mapConcurrently([...groupByFile(missing, ({ slice }) => slice)], {
    limit: pool.concurrency,
    work: async ([{ file, header }, wanted]) => {
      const { series } = wanted[0]!;
      const window: Extract<DecodeJob, { kind: 'slices' }>['window'] = series.series.hounsfield
        ? { kind: 'hounsfield', ...windowHounsfield }
        : { kind: 'own-range', ...(await rangeOf(series)) };
      const frames = wanted.map(({ slice }) => slice.frame);
      const answer = await pool.run({ kind: 'slices', path: file.path, header, frames, sizePixels, window });
      done += wanted.length;
      report();
      if (answer.kind !== 'slices') {
        quarantine.add(answer.kind === 'unusable' ? answer.reason : 'pixel-data-damaged', wanted.length);
        return;
      }
      for (const [index, { place }] of wanted.entries()) {
        levels.set(answer.levels.subarray(index * pixels, (index + 1) * pixels), place * pixels);
        good[place] = true;
      }
    },
  });

  let next = 0;
  const patientRanges = chosen.map((series) => {
    const places = series.reduce((sum, { slices }) => sum + slices.length, 0);
    const first = good.slice(0, next).filter(Boolean).length;
    const count = good.slice(next, next + places).filter(Boolean).length;
    next += places;
    return count === 0 ? null : { first, count };
  });
  const count = good.filter(Boolean).length;
  const decodedNow = missing.some(({ place }) => good[place]);
  const kept = closeUp(levels, { pixels, good });
  const names = slots.filter(({ place }) => good[place]).map(({ name }) => name);
  let cache: DecodedSlices['cache'] = cachePath === null ? 'none' : 'used';
  if (cachePath !== null && cacheDirectory !== undefined && (decodedNow || cached?.names.length !== count)) {
    const slices = { sizePixels, names, levels: kept };
    cache = await saveSlices(cachePath, { directory: cacheDirectory, slices }).then(
      () => 'written' as const,
      () => 'failed' as const,
    );
  }
  return { images: { sizePixels, count, levels: kept }, ranges: patientRanges, cache };
}
