/** How far each disease shows in one slice: the link from a patient's hidden severity to the picture. */
import type { SeededRandom } from '@wardround/shared/random/seeded-random.ts';
import type { Disease, PerDisease } from '../diseases.ts';
import { diseases } from '../diseases.ts';
import { clampUnit } from './slice-canvas.ts';

export interface LungFindings {
  /** Share of the lung taken by emphysematous holes. */
  emphysemaShare: number;
  /** Diameters of the nodules in millimetres: large ones, to be seen after resizing to 64 pixels a side. */
  noduleMillimetres: number[];
  /** Share of the lung with thickened, honeycombed walls. */
  reticulationShare: number;
}

/** Severities at which a disease begins to show and shows fully; the threshold of diagnosis, zero, lies between. */
const SHOWS_FROM = -0.16;
const SHOWS_FULLY = 0.16;

/** How strongly each disease marks this patient's lungs, 0..1, with some difference between patients of one severity. */
export function drawRadiologicalExtent(random: SeededRandom, severity: PerDisease<number>): PerDisease<number> {
  const extent = {} as PerDisease<number>;
  for (const disease of diseases) {
    const shown = severity[disease] + 0.04 * random.normal();
    extent[disease] = clampUnit((shown - SHOWS_FROM) / (SHOWS_FULLY - SHOWS_FROM));
  }
  return extent;
}

/** What one slice shows of it: most slices of a diseased patient are marked, none twice alike. */
export function drawLungFindings(random: SeededRandom, extent: PerDisease<number>): LungFindings {
  const here = (disease: Disease) => clampUnit(extent[disease] * (0.75 + 0.5 * random.next()));
  const emphysemaShare = 0.5 * here('emphysema');
  const expectedNodules = 0.1 + 3.6 * here('malignancy');
  const nodules = Math.floor(expectedNodules + random.next());
  return {
    emphysemaShare,
    noduleMillimetres: Array.from({ length: nodules }, () => 26 + 26 * random.next()),
    reticulationShare: 0.7 * here('fibrosis'),
  };
}
