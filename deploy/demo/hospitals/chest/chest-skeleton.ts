/** Paints spine, ribs, breastbone and shoulder blades of one slice. */

import { portableDirection } from '../arithmetic/portable-direction.ts';
import type { ChestAnatomy } from './chest-anatomy.ts';
import type { ChestOutlines } from './lung-region.ts';
import type { SliceCanvas } from './slice-canvas.ts';
import { paintCapsule, paintEllipse } from './slice-canvas.ts';

const CORTEX_HOUNSFIELD = 520;
const MARROW_HOUNSFIELD = 190;

export function paintSkeleton(
  canvas: SliceCanvas,
  { anatomy, outlines, level }: { anatomy: ChestAnatomy; outlines: ChestOutlines; level: number },
): void {
  paintSpine(canvas, outlines);
  paintRibs(canvas, { anatomy, outlines, level });
  const front = outlines.cavity.back - outlines.cavity.halfDepth;
  if (level < 0.8) paintBone(canvas, { left: 0, back: front - 3, halfWidth: 17, halfDepth: 5 });
  if (level < 0.45) {
    for (const side of [-1, 1]) {
      const reach = outlines.muscle.halfWidth;
      paintCapsule(
        canvas,
        {
          from: { left: side * reach * 0.86, back: outlines.muscle.halfDepth * 0.42 },
          to: { left: side * reach * 0.45, back: outlines.muscle.halfDepth * 0.84 },
          radius: 2.4,
        },
        { hounsfield: CORTEX_HOUNSFIELD },
      );
    }
  }
}

function paintSpine(canvas: SliceCanvas, { cavity, muscle }: ChestOutlines): void {
  const back = cavity.back + cavity.halfDepth * 0.72;
  paintBone(canvas, { left: 0, back, halfWidth: 18, halfDepth: 15 });
  for (const side of [-1, 1]) {
    paintCapsule(
      canvas,
      { from: { left: side * 12, back: back + 14 }, to: { left: side * 34, back: back + 26 }, radius: 3.5 },
      { hounsfield: CORTEX_HOUNSFIELD * 0.8 },
    );
  }
  const spinousEnd = Math.min(back + 46, muscle.halfDepth - 6);
  paintCapsule(
    canvas,
    { from: { left: 0, back: back + 24 }, to: { left: 0, back: spinousEnd }, radius: 3.5 },
    { hounsfield: CORTEX_HOUNSFIELD * 0.8 },
  );
  paintEllipse(canvas, { left: 0, back: back + 20, halfWidth: 9, halfDepth: 7 }, { hounsfield: 30 });
}

/** A slice cuts the slanting ribs at different places of the chest wall from level to level. */
function paintRibs(
  canvas: SliceCanvas,
  { anatomy, outlines, level }: { anatomy: ChestAnatomy; outlines: ChestOutlines; level: number },
): void {
  const { cavity } = outlines;
  const ribs = 5;
  for (const side of [-1, 1]) {
    for (let rib = 0; rib < ribs; rib += 1) {
      const shift = (anatomy.ribPhase + level * 3.3) % 1;
      // From beside the breastbone (-0.2 turns) round to beside the spine (0.2 turns).
      const turns = -0.2 + (0.4 * (rib + shift)) / ribs;
      const along = (offset: number) => {
        const { cosine, sine } = portableDirection(turns + offset);
        return { left: side * cosine * (cavity.halfWidth + 6), back: cavity.back + sine * (cavity.halfDepth + 6) };
      };
      const segment = { from: along(-0.022), to: along(0.022) };
      paintCapsule(canvas, { ...segment, radius: 4.2 }, { hounsfield: CORTEX_HOUNSFIELD });
      paintCapsule(canvas, { ...segment, radius: 1.6 }, { hounsfield: MARROW_HOUNSFIELD });
    }
  }
}

function paintBone(
  canvas: SliceCanvas,
  ellipse: { left: number; back: number; halfWidth: number; halfDepth: number },
): void {
  paintEllipse(canvas, { ...ellipse, squareness: 0.5 }, { hounsfield: CORTEX_HOUNSFIELD });
  paintEllipse(
    canvas,
    {
      ...ellipse,
      halfWidth: ellipse.halfWidth - 2.5,
      halfDepth: Math.max(1, ellipse.halfDepth - 2.5),
      squareness: 0.5,
    },
    { hounsfield: MARROW_HOUNSFIELD },
  );
}
