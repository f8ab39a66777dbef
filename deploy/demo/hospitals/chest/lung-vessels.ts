/** Grows the lungs' vessels: branching from the root of each lung, thinner at every fork. */
import type { SeededRandom } from '@wardround/shared/random/seeded-random.ts';
import { portableDirection } from '../arithmetic/portable-direction.ts';
import type { ChestAnatomy } from './chest-anatomy.ts';
import type { SliceCanvas } from './slice-canvas.ts';
import { paintCapsule, paintEllipse } from './slice-canvas.ts';

interface Branch {
  left: number;
  back: number;
  turns: number;
  radius: number;
}

const STEP_MILLIMETRES = 11;
/** Share of a branch's steps that lie in the slice. */
const IN_SLICE = 0.6;
const THINNEST_MILLIMETRES = 0.6;

export function paintLungVessels(
  canvas: SliceCanvas,
  random: SeededRandom,
  { anatomy, lung }: { anatomy: ChestAnatomy; lung: Float32Array },
): void {
  const paint = { hounsfield: anatomy.bloodHounsfield, within: lung };
  for (const side of [-1, 1]) {
    const trunks = Math.round(4 * anatomy.vesselDensity);
    const growing: Branch[] = Array.from({ length: trunks }, () => ({
      left: side * 27,
      back: 20 * (random.next() - 0.5),
      turns: (side < 0 ? 0.5 : 0) + 0.46 * (random.next() - 0.5),
      radius: 1.6 + 1.4 * random.next(),
    }));
    for (let branch = growing.pop(); branch; branch = growing.pop())
      growing.push(...grow(canvas, random, { branch, paint }));
  }
  paintCrossSections(canvas, random, { count: Math.round(26 * anatomy.vesselDensity), anatomy, lung });
}

/** Paints one step of a branch and returns what it continues as: one branch, two after a fork, none at its end. */
function grow(
  canvas: SliceCanvas,
  random: SeededRandom,
  { branch, paint }: { branch: Branch; paint: { hounsfield: number; within: Float32Array } },
): Branch[] {
  const { cosine, sine } = portableDirection(branch.turns);
  const to = { left: branch.left + STEP_MILLIMETRES * cosine, back: branch.back + STEP_MILLIMETRES * sine };
  // Vessels rise and sink through the slice: it shows only stretches of them.
  if (random.next() < IN_SLICE) paintCapsule(canvas, { from: branch, to, radius: branch.radius }, paint);
  const onward = (radius: number, bend: number) => ({ ...to, turns: branch.turns + bend, radius });
  const bend = 0.09 * (random.next() - 0.5);
  const fork = random.next() < 0.3;
  const children = fork
    ? [onward(branch.radius * 0.78, bend + 0.07), onward(branch.radius * 0.62, bend - 0.09)]
    : [onward(branch.radius * 0.88, bend)];
  return children.filter((child) => child.radius > THINNEST_MILLIMETRES);
}

/** Vessels that cross the slice show as dots. */
function paintCrossSections(
  canvas: SliceCanvas,
  random: SeededRandom,
  { count, anatomy, lung }: { count: number; anatomy: ChestAnatomy; lung: Float32Array },
): void {
  for (let dot = 0; dot < count; dot += 1) {
    const radius = 0.9 + 1.3 * random.next() * random.next();
    paintEllipse(
      canvas,
      {
        left: 1.6 * anatomy.bodyHalfWidth * (random.next() - 0.5),
        back: 1.5 * anatomy.bodyHalfDepth * (random.next() - 0.5),
        halfWidth: radius,
        halfDepth: radius,
      },
      { hounsfield: anatomy.bloodHounsfield, within: lung },
    );
  }
}
