/** Places nodules in the lungs of one slice. */
import type { SeededRandom } from '@wardround/shared/random/seeded-random.ts';
import { portableDirection } from '../arithmetic/portable-direction.ts';
import type { SliceCanvas } from './slice-canvas.ts';
import { paintEllipse } from './slice-canvas.ts';

/** @param options.lung [size, size] 0..1: nodules have their centre well inside. */
export function paintNodules(
  canvas: SliceCanvas,
  random: SeededRandom,
  { diametersMillimetres, lung }: { diametersMillimetres: readonly number[]; lung: Float32Array },
): void {
  for (const diameter of diametersMillimetres) {
    const centre = drawPixelInside(random, lung);
    if (centre === null) return;
    const left = canvas.leftMillimetres[centre]!;
    const back = canvas.backMillimetres[centre]!;
    const hounsfield = 10 + 60 * random.next();
    // Three overlapping lobes make the uneven outline.
    for (let lobe = 0; lobe < 3; lobe += 1) {
      const { cosine, sine } = portableDirection(random.next());
      const away = 0.14 * diameter * random.next();
      paintEllipse(
        canvas,
        {
          left: left + away * cosine,
          back: back + away * sine,
          halfWidth: diameter * (0.36 + 0.1 * random.next()),
          halfDepth: diameter * (0.36 + 0.1 * random.next()),
          turn: { cosine, sine },
        },
        { hounsfield, within: lung },
      );
    }
  }
}

/** A random pixel that is wholly lung, or null when the slice has next to none. */
function drawPixelInside(random: SeededRandom, lung: Float32Array): number | null {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    const index = random.int(lung.length);
    if (lung[index]! > 0.98) return index;
  }
  return null;
}
