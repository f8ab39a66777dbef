/** Which pairs of modalities a batch can contrast, and over whom. */
import { type Modality, type ModalityPairName, modalityPairs } from '../modality-pairs.ts';

export interface Contrast {
  readonly name: ModalityPairName;
  readonly modalities: readonly [Modality, Modality];
  /** The patients who have both, in the batch's order; two or more. */
  readonly patients: readonly number[];
}

/** The pairs that at least two patients have in full: with fewer there is no negative to contrast with. */
export function contrasts(present: Readonly<Record<Modality, readonly boolean[]>>): Contrast[] {
  return modalityPairs
    .map(({ name, modalities }) => ({
      name,
      modalities,
      patients: [...present.ct.keys()].filter((patient) => modalities.every((modality) => present[modality][patient])),
    }))
    .filter(({ patients }) => patients.length >= 2);
}

/** The patients whose vector of a modality some contrast uses, in the batch's order. */
export function contrastedPatients(found: readonly Contrast[], modality: Modality): number[] {
  const patients = found.flatMap((contrast) => (contrast.modalities.includes(modality) ? contrast.patients : []));
  return [...new Set(patients)].sort((a, b) => a - b);
}
