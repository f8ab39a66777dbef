/** Chooses among whose files the unusable ones lie. */
import type { SeededRandom } from '@wardround/shared/random/seeded-random.ts';
import type { FileFault, FileFaultCounts } from '../planted-faults.ts';
import { fileFaults } from '../planted-faults.ts';

export interface PlantedFile {
  fault: FileFault;
  /** Which one of its kind at this site. */
  ordinal: number;
}

/** Patient id -> what lies among that patient's files. */
export function drawFaultBearers(
  patientIds: readonly string[],
  random: SeededRandom,
  { counts }: { counts: FileFaultCounts },
): Map<string, PlantedFile[]> {
  const order = random.shuffle(patientIds);
  const bearers = new Map<string, PlantedFile[]>();
  let turn = 0;
  for (const fault of fileFaults) {
    for (let ordinal = 0; ordinal < counts[fault]; ordinal += 1) {
      // Coronal images come as one series of one patient; all else is spread.
      if (fault !== 'coronal-image' || ordinal === 0) turn += 1;
      const bearer = order[turn % order.length]!;
      bearers.set(bearer, [...(bearers.get(bearer) ?? []), { fault, ordinal }]);
    }
  }
  return bearers;
}
