/** Which pixels of a slice are lung, at one level of the chest. */
import type { ChestAnatomy } from './chest-anatomy.ts';
import type { Ellipse, SliceCanvas } from './slice-canvas.ts';
import { clampUnit, coverEllipse } from './slice-canvas.ts';

/** The outlines that the lungs and their neighbours share. */
export interface ChestOutlines {
  body: Ellipse;
  muscle: Ellipse;
  /** The inside of the ribs. */
  cavity: Ellipse;
  heart: Ellipse | null;
  /** Liver and stomach, which push the lungs up from below. */
  domes: Ellipse[];
}

/** @param level 0 at the top of the lungs, 1 at their lower end. */
export function chestOutlines(anatomy: ChestAnatomy, level: number): ChestOutlines {
  const { bodyHalfWidth, bodyHalfDepth, squareness, fatThickness, wallThickness, heartScale } = anatomy;
  // The shoulders above are wide and flat; the lungs narrow towards their top.
  const shoulder = clampUnit(1 - level / 0.3);
  const halfWidth = bodyHalfWidth * (1 + 0.04 * shoulder);
  const halfDepth = bodyHalfDepth * (1 - 0.1 * shoulder);
  const narrowing = 1 - 0.42 * shoulder * shoulder;
  const cavityWidth = (halfWidth - fatThickness - wallThickness) * narrowing;
  const cavityDepth = (halfDepth - fatThickness * 0.8 - wallThickness) * (1 - 0.25 * shoulder * shoulder);
  const heartFullness = clampUnit((level - 0.38) / 0.2) * clampUnit((1.08 - level) / 0.2);
  return {
    body: { left: 0, back: 0, halfWidth, halfDepth, squareness },
    muscle: {
      left: 0,
      back: 0,
      halfWidth: halfWidth - fatThickness,
      halfDepth: halfDepth - fatThickness * 0.8,
      squareness,
    },
    cavity: { left: 0, back: -2, halfWidth: cavityWidth, halfDepth: cavityDepth, squareness: squareness * 0.7 },
    heart:
      heartFullness > 0.05
        ? {
            left: 20 * heartScale,
            back: -cavityDepth * 0.3,
            halfWidth: 52 * heartScale * (0.55 + 0.45 * heartFullness),
            halfDepth: 40 * heartScale * (0.55 + 0.45 * heartFullness),
            squareness: 0.2,
          }
        : null,
    domes: [
      dome(-0.5 * cavityWidth, -0.08 * cavityDepth, clampUnit((level - 0.76) / 0.3), cavityWidth, cavityDepth),
      dome(0.52 * cavityWidth, -0.1 * cavityDepth, clampUnit((level - 0.84) / 0.3), cavityWidth, cavityDepth),
    ].filter((ellipse) => ellipse.halfWidth > 4),
  };
}

function dome(left: number, back: number, fullness: number, cavityWidth: number, cavityDepth: number): Ellipse {
  const radius = Math.sqrt(fullness);
  return {
    left,
    back,
    halfWidth: 0.42 * cavityWidth * radius,
    halfDepth: 0.72 * cavityDepth * radius,
    squareness: 0.2,
  };
}

/** [size, size] how much of each pixel is lung, 0..1. */
export function lungCoverage(canvas: SliceCanvas, outlines: ChestOutlines, level: number): Float32Array {
  const { cavity, heart, domes } = outlines;
  const coverage = new Float32Array(canvas.hounsfield.length);
  // The mediastinum between the lungs is narrow in the middle of the chest and wider at its top.
  const gap = 24 + 8 * clampUnit(1 - level / 0.3);
  for (const side of [-1, 1]) {
    const halfWidth = (cavity.halfWidth - gap) / 2;
    const lung = {
      left: side * (gap + halfWidth),
      back: 4,
      halfWidth,
      halfDepth: cavity.halfDepth * 0.93,
      squareness: 0.6,
    };
    coverEllipse(canvas, lung, (index, covered) => {
      coverage[index] = Math.max(coverage[index]!, covered);
    });
  }
  const inside = new Float32Array(coverage.length);
  coverEllipse(canvas, cavity, (index, covered) => {
    inside[index] = covered;
  });
  for (let index = 0; index < coverage.length; index += 1) coverage[index]! *= inside[index]!;
  for (const organ of heart ? [heart, ...domes] : domes) {
    coverEllipse(canvas, organ, (index, covered) => {
      coverage[index]! *= 1 - covered;
    });
  }
  return coverage;
}
