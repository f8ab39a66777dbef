/** The shape of one synthetic patient's chest: sizes, position and densities that say nothing of the diseases. */
import type { SeededRandom } from '@wardround/shared/random/seeded-random.ts';
import { portableDirection } from '../arithmetic/portable-direction.ts';
import type { SyntheticPatient } from '../patients.ts';
import type { PatientFrame } from './slice-canvas.ts';

/** Lengths in millimetres, densities in Hounsfield units. */
export interface ChestAnatomy {
  bodyHalfWidth: number;
  bodyHalfDepth: number;
  squareness: number;
  fatThickness: number;
  wallThickness: number;
  breastRadius: number;
  lungHeight: number;
  /** Varies more with the depth of the breath than with any disease, so that mean brightness tells little. */
  lungHounsfield: number;
  /** Extra density at the back of the lung, where blood gathers. */
  dependentHounsfield: number;
  softTissueHounsfield: number;
  /** Blood in heart and large vessels: like soft tissue, or bright with contrast medium. */
  bloodHounsfield: number;
  contrastMedium: boolean;
  vesselDensity: number;
  heartScale: number;
  ribPhase: number;
  /** How the patient lies on the table. */
  frame: PatientFrame;
}

export function drawChestAnatomy(
  random: SeededRandom,
  patient: SyntheticPatient,
  { contrastShare }: { contrastShare: number },
): ChestAnatomy {
  const between = (low: number, high: number) => low + (high - low) * random.next();
  const female = patient.sex === 'female';
  const bodyHalfWidth = between(148, 165) - (female ? 4 : 0);
  const contrastMedium = random.next() < contrastShare;
  return {
    bodyHalfWidth,
    bodyHalfDepth: bodyHalfWidth * between(0.69, 0.77),
    squareness: between(0.35, 0.65),
    fatThickness: between(7, 14),
    wallThickness: between(11, 14),
    breastRadius: female ? between(26, 36) : 0,
    lungHeight: between(200, 260),
    lungHounsfield: between(-900, -690),
    dependentHounsfield: between(0, 130),
    softTissueHounsfield: between(35, 60),
    bloodHounsfield: contrastMedium ? between(140, 240) : between(35, 50),
    contrastMedium,
    vesselDensity: between(0.25, 0.55),
    heartScale: between(0.92, 1.1),
    ribPhase: random.next(),
    frame: {
      columnsMillimetres: between(-8, 8),
      rowsMillimetres: between(-8, 8),
      turn: portableDirection(between(-0.014, 0.014)),
    },
  };
}
