import type { SliceReference } from './image-series.ts';
import type { SurveyedImage } from './survey-images.ts';

/** Frames of one file that are decoded in one go. */
export function groupByFile<Item>(
  items: readonly Item[],
  sliceOf: (item: Item) => SliceReference,
): Map<SurveyedImage, Item[]> {
  const groups = new Map<SurveyedImage, Item[]>();
  for (const item of items) {
    const { image } = sliceOf(item);
    const group = groups.get(image);
    if (group === undefined) groups.set(image, [item]);
    else group.push(item);
  }
  return groups;
}
