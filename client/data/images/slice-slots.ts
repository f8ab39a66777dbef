/** The slices to be decoded, each with its place in the block and its name in the cache. */
import { stat } from 'node:fs/promises';
import { mapConcurrently } from '../workers/map-concurrently.ts';
import type { ChosenSeries } from './choose-slices.ts';
import type { SliceReference } from './image-series.ts';
import { rangeSlices } from './series-range.ts';
import { type SliceIdentity, sliceName } from './slice-cache.ts';
import type { SurveyedImage } from './survey-images.ts';

/** A slice on its way into the block. */
export interface SliceSlot {
  readonly slice: SliceReference;
  readonly series: ChosenSeries;
  /** Its name in the cache. */
  readonly name: string;
  /** Where it goes; the block has room for all. */
  readonly place: number;
}

type FileIdentity = Pick<SliceIdentity, 'relativePath' | 'sizeBytes' | 'modifiedMillis'>;

async function fileIdentities(images: readonly SurveyedImage[]): Promise<Map<SurveyedImage, FileIdentity>> {
  const identities = await mapConcurrently(images, {
    limit: 16,
    work: async ({ file: { path, relativePath } }): Promise<FileIdentity> => {
      // A file that has gone is found out by the decoder, which counts it.
      const found = await stat(path).catch(() => null);
      return { relativePath, sizeBytes: found?.size ?? -1, modifiedMillis: found?.mtimeMs ?? -1 };
    },
  });
  return new Map(images.map((image, index) => [image, identities[index]!]));
}

/** @param chosen per patient the series and slices to use */
export async function sliceSlots(chosen: readonly (readonly ChosenSeries[])[]): Promise<SliceSlot[]> {
  const all = chosen.flat();
  const images = [...new Set(all.flatMap(({ slices }) => slices.map(({ image }) => image)))];
  const identities = await fileIdentities(images);
  const slots: SliceSlot[] = [];
  for (const series of all) {
    // The range of such a series depends on all the slices that were looked at.
    const window = series.series.hounsfield
      ? 'hounsfield'
      : JSON.stringify(rangeSlices(series).map(({ image, frame }) => [identities.get(image), frame]));
    for (const slice of series.slices) {
      const name = sliceName({ ...identities.get(slice.image)!, frame: slice.frame, window });
      slots.push({ slice, series, name, place: slots.length });
    }
  }
  return slots;
}
