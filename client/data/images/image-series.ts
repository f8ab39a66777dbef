/** The axial series of one patient, their slices in anatomical order. */
import type { Quarantine } from '../quarantine/quarantine.ts';
import type { SurveyedImage } from './survey-images.ts';

export interface SliceReference {
  readonly image: SurveyedImage;
  /** From 0. */
  readonly frame: number;
}

export interface ImageSeries {
  /** In order from feet to head where positions are known. */
  readonly slices: readonly SliceReference[];
  /** Whether every slice is in Hounsfield units. */
  readonly hounsfield: boolean;
  /** What the slices were ordered by. */
  readonly order: 'position' | 'instance-number' | 'file-name';
  /** Whether the files say nothing about the direction of the slices, which were then taken as axial. */
  readonly assumedAxial: boolean;
}

/** Two slices closer than this are the same slice. */
const SAME_POSITION_MILLIMETRES = 0.01;

function frameOf({ image, frame }: SliceReference) {
  return image.header.frames[frame]!;
}

function byInstance(a: SliceReference, b: SliceReference): number {
  return (a.image.header.instanceNumber ?? 0) - (b.image.header.instanceNumber ?? 0) || a.frame - b.frame;
}

/** Sorts by position, else by instance number, else leaves the order of the files. Equal slices keep the files' order. */
function sortSlices(slices: readonly SliceReference[]): Pick<ImageSeries, 'slices' | 'order'> {
  if (slices.every((slice) => frameOf(slice).locationMillimetres !== null)) {
    const location = (slice: SliceReference) => frameOf(slice).locationMillimetres!;
    return { slices: slices.toSorted((a, b) => location(a) - location(b) || byInstance(a, b)), order: 'position' };
  }
  if (slices.every(({ image }) => image.header.instanceNumber !== null)) {
    return { slices: slices.toSorted(byInstance), order: 'instance-number' };
  }
  return { slices, order: 'file-name' };
}

/** Keeps the first of the slices at one position, as several phases of one series have. */
function dropRepeatedPositions(slices: readonly SliceReference[], quarantine: Quarantine): SliceReference[] {
  let last = Number.NEGATIVE_INFINITY;
  return slices.filter((slice) => {
    const location = frameOf(slice).locationMillimetres!;
    if (location - last < SAME_POSITION_MILLIMETRES) {
      quarantine.add('duplicate-position');
      return false;
    }
    last = location;
    return true;
  });
}

function buildSeries(slices: readonly SliceReference[], quarantine: Quarantine): ImageSeries {
  const sorted = sortSlices(slices);
  return {
    slices: sorted.order === 'position' ? dropRepeatedPositions(sorted.slices, quarantine) : sorted.slices,
    hounsfield: slices.every((slice) => frameOf(slice).rescale !== null),
    order: sorted.order,
    assumedAxial: slices.every((slice) => frameOf(slice).view === 'unknown'),
  };
}

/** A patient's images as axial series: slices that face another way are counted and left out. Images that name no series form one per folder. */
export function imageSeries(images: readonly SurveyedImage[], quarantine: Quarantine): ImageSeries[] {
  const groups = new Map<string, SliceReference[]>();
  for (const image of images) {
    const folder = image.file.relativePath.slice(0, image.file.relativePath.lastIndexOf('/') + 1);
    const name = image.header.series ?? `folder ${folder}`;
    const group = groups.get(name) ?? [];
    groups.set(name, group);
    for (const [frame, { view }] of image.header.frames.entries()) {
      if (view === 'not-axial') quarantine.add('not-axial');
      else group.push({ image, frame });
    }
  }
  return [...groups.values()].filter((group) => group.length > 0).map((group) => buildSeries(group, quarantine));
}
