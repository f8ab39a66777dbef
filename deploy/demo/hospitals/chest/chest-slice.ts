/** Paints one axial slice of a synthetic chest as true Hounsfield values, before any scanner has looked at it. */
import type { SeededRandom } from '@wardround/shared/random/seeded-random.ts';
import type { ChestAnatomy } from './chest-anatomy.ts';
import { paintSkeleton } from './chest-skeleton.ts';
import type { LungFindings } from './lung-findings.ts';
import { paintNodules } from './lung-nodules.ts';
import type { ChestOutlines } from './lung-region.ts';
import { chestOutlines, lungCoverage } from './lung-region.ts';
import { paintLungTissue } from './lung-tissue.ts';
import { paintLungVessels } from './lung-vessels.ts';
import type { SliceCanvas } from './slice-canvas.ts';
import { paintCapsule, paintEllipse } from './slice-canvas.ts';
import type { TissueTextures } from './tissue-textures.ts';

const AIR = -1000;
const FAT = -105;

export interface ChestSliceOptions {
  anatomy: ChestAnatomy;
  findings: LungFindings;
  textures: TissueTextures;
  /** 0 at the top of the lungs, 1 at their lower end. */
  level: number;
}

/** Fills `canvas.hounsfield`. */
export function paintChestSlice(canvas: SliceCanvas, random: SeededRandom, options: ChestSliceOptions): void {
  const { anatomy, findings, textures, level } = options;
  const outlines = chestOutlines(anatomy, level);
  canvas.hounsfield.fill(AIR);
  paintBreasts(canvas, { anatomy, outlines, level });
  paintEllipse(canvas, outlines.body, { hounsfield: FAT });
  paintEllipse(canvas, outlines.muscle, { hounsfield: anatomy.softTissueHounsfield });
  paintMediastinum(canvas, { anatomy, outlines, level });

  const lung = lungCoverage(canvas, outlines, level);
  const cavityHalfDepth = outlines.cavity.halfDepth;
  paintLungTissue(canvas, random.fork('tissue'), { anatomy, findings, textures, lung, cavityHalfDepth });
  paintLungVessels(canvas, random.fork('vessels'), { anatomy, lung });
  paintNodules(canvas, random.fork('nodules'), { diametersMillimetres: findings.noduleMillimetres, lung });
  paintSkeleton(canvas, { anatomy, outlines, level });
}

interface LevelOptions {
  anatomy: ChestAnatomy;
  outlines: ChestOutlines;
  level: number;
}

function paintBreasts(canvas: SliceCanvas, { anatomy, outlines, level }: LevelOptions): void {
  if (anatomy.breastRadius === 0 || level < 0.4 || level > 0.85) return;
  for (const side of [-1, 1]) {
    paintEllipse(
      canvas,
      {
        left: side * outlines.body.halfWidth * 0.45,
        back: -outlines.body.halfDepth * 0.86,
        halfWidth: anatomy.breastRadius * 1.35,
        halfDepth: anatomy.breastRadius * 0.75,
      },
      { hounsfield: FAT + 15 },
    );
  }
}

function paintMediastinum(canvas: SliceCanvas, { anatomy, outlines, level }: LevelOptions): void {
  const { cavity, heart, domes } = outlines;
  const blood = { hounsfield: anatomy.bloodHounsfield };
  paintEllipse(canvas, { left: 0, back: -cavity.halfDepth * 0.5, halfWidth: 16, halfDepth: 22 }, { hounsfield: -70 });
  for (const dome of domes) paintEllipse(canvas, dome, { hounsfield: anatomy.contrastMedium ? 95 : 58 });
  if (heart) {
    paintEllipse(canvas, heart, { hounsfield: anatomy.softTissueHounsfield });
    const chambers = { halfWidth: heart.halfWidth * 0.42, halfDepth: heart.halfDepth * 0.62, back: heart.back };
    paintEllipse(canvas, { ...chambers, left: heart.left - heart.halfWidth * 0.42 }, blood);
    paintEllipse(canvas, { ...chambers, left: heart.left + heart.halfWidth * 0.4 }, blood);
  }
  paintEllipse(canvas, { left: 20, back: cavity.halfDepth * 0.55, halfWidth: 12, halfDepth: 12 }, blood);
  if (level > 0.2 && level < 0.42) {
    // The arch of the aorta, the upper vena cava, and where they part.
    paintCapsule(canvas, { from: { left: -6, back: -24 }, to: { left: 20, back: 22 }, radius: 12 }, blood);
    paintEllipse(canvas, { left: -20, back: -16, halfWidth: 9, halfDepth: 9 }, blood);
  }
  if (level < 0.42) {
    paintEllipse(canvas, { left: -2, back: 10, halfWidth: 9, halfDepth: 8 }, { hounsfield: AIR });
  } else if (level < 0.56) {
    for (const side of [-1, 1]) {
      paintEllipse(canvas, { left: side * 17, back: 14, halfWidth: 7, halfDepth: 6 }, { hounsfield: AIR });
    }
  }
}
