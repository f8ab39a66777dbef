/** Paints a chest seen from the front: what a localiser and a coronal reformat show. */
import type { ChestAnatomy } from './chest-anatomy.ts';
import type { SliceCanvas } from './slice-canvas.ts';
import { paintCapsule, paintEllipse } from './slice-canvas.ts';

/** Fills `canvas.hounsfield`; the canvas's axis towards the back here points to the feet. */
export function paintFrontalView(canvas: SliceCanvas, anatomy: ChestAnatomy): void {
  const { bodyHalfWidth, lungHeight, lungHounsfield, softTissueHounsfield, bloodHounsfield } = anatomy;
  canvas.hounsfield.fill(-1000);
  const body = { left: 0, back: 0, halfWidth: bodyHalfWidth, halfDepth: 0.9 * lungHeight, squareness: 1 };
  paintEllipse(canvas, body, { hounsfield: softTissueHounsfield });
  for (const side of [-1, 1]) {
    const lung = { halfWidth: 0.36 * bodyHalfWidth, halfDepth: 0.5 * lungHeight, squareness: 0.4 };
    paintEllipse(canvas, { ...lung, left: side * 0.44 * bodyHalfWidth, back: 0 }, { hounsfield: lungHounsfield });
  }
  const heart = { left: 22, back: 0.2 * lungHeight, halfWidth: 52, halfDepth: 48 };
  paintEllipse(canvas, heart, { hounsfield: bloodHounsfield });
  const spine = { from: { left: 0, back: -0.8 * lungHeight }, to: { left: 0, back: 0.8 * lungHeight }, radius: 15 };
  paintCapsule(canvas, spine, { hounsfield: 220 });
}
