/** Fills the lungs with tissue: normal density, emphysematous holes, fibrotic walls. */
import type { SeededRandom } from '@wardround/shared/random/seeded-random.ts';
import type { ChestAnatomy } from './chest-anatomy.ts';
import type { LungFindings } from './lung-findings.ts';
import type { SliceCanvas } from './slice-canvas.ts';
import { clampUnit } from './slice-canvas.ts';
import type { TissueTextures } from './tissue-textures.ts';
import { levelExceededBy, placeTexture, sampleTexture } from './tissue-textures.ts';

const HOLE_HOUNSFIELD = -1000;
const WALL_HOUNSFIELD = 650;
/** Between the walls the tissue is this much thinner, as a share of what the walls add. */
const CELL_SHARE = 0.13;
/** Sizes of single holes, of fibrotic regions and of the cells between fibrotic walls. */
const HOLE_MILLIMETRES = 40;
const REGION_MILLIMETRES = 60;
const CELL_MILLIMETRES = 18;
/** How sharply one kind of tissue ends, in units of the cloud texture. */
const HOLE_EDGE = 0.05;
const REGION_EDGE = 0.06;

export function paintLungTissue(
  canvas: SliceCanvas,
  random: SeededRandom,
  options: {
    anatomy: ChestAnatomy;
    findings: LungFindings;
    textures: TissueTextures;
    /** [size, size] 0..1 */
    lung: Float32Array;
    cavityHalfDepth: number;
  },
): void {
  const { anatomy, findings, textures, lung, cavityHalfDepth } = options;
  const { clouds, network } = textures;
  const perfusion = placeTexture(random, 40);
  const holes = placeTexture(random, HOLE_MILLIMETRES);
  const region = placeTexture(random, REGION_MILLIMETRES);
  const walls = placeTexture(random, CELL_MILLIMETRES);
  const holeLevel = levelExceededBy(clouds, findings.emphysemaShare);
  const regionLevel = levelExceededBy(clouds, findings.reticulationShare);

  for (let index = 0; index < lung.length; index += 1) {
    const share = lung[index]!;
    if (share === 0) continue;
    const left = canvas.leftMillimetres[index]!;
    const back = canvas.backMillimetres[index]!;
    const dependent = clampUnit(back / cavityHalfDepth);
    let hounsfield =
      anatomy.lungHounsfield +
      50 * (sampleTexture(clouds, perfusion, left, back) - 0.5) +
      anatomy.dependentHounsfield * dependent * dependent;
    if (findings.reticulationShare > 0) {
      const marked = clampUnit((sampleTexture(clouds, region, left, back) - regionLevel) / REGION_EDGE);
      if (marked > 0) {
        hounsfield += marked * WALL_HOUNSFIELD * (sampleTexture(network, walls, left, back) - CELL_SHARE);
      }
    }
    if (findings.emphysemaShare > 0) {
      const hole = clampUnit(0.5 + (sampleTexture(clouds, holes, left, back) - holeLevel) / HOLE_EDGE);
      hounsfield += hole * (HOLE_HOUNSFIELD - hounsfield);
    }
    hounsfield = Math.max(HOLE_HOUNSFIELD, hounsfield);
    canvas.hounsfield[index]! += share * (hounsfield - canvas.hounsfield[index]!);
  }
}
