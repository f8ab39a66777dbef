/** The batches of one pass over the patients whose modalities can be aligned. */
import { type Modality, modalityPairs } from '@wardround/shared/learning/modality-pairs.ts';
import type { SeededRandom } from '@wardround/shared/random/seeded-random.ts';
import type { Cohort } from '../../data/cohort.ts';

export const MODALITIES = ['ct', 'clinical', 'expression'] as const satisfies readonly Modality[];

/** Which modalities a patient has; `index` is the patient's place in the cohort. */
export interface PatientModalities {
  readonly index: number;
  readonly has: Readonly<Record<Modality, boolean>>;
}

/** The modalities of every patient, in cohort order. */
export function modalitiesOf(cohort: Pick<Cohort, 'patients'>): PatientModalities[] {
  return cohort.patients.map(({ slices, clinical, expression }, index) => ({
    index,
    has: { ct: slices !== null, clinical: clinical !== null, expression: expression !== null },
  }));
}

/** The pairs that at least two of these patients have in full: only those have a negative to contrast with. */
function contrastablePairs(patients: readonly PatientModalities[]): (readonly [Modality, Modality])[] {
  return modalityPairs
    .map(({ modalities }) => modalities)
    .filter(([a, b]) => patients.filter(({ has }) => has[a] && has[b]).length >= 2);
}

/** The patients of a batch that train a modality's encoder: those that have it within a pair that can be contrasted. */
export function contributors(patients: readonly PatientModalities[], modality: Modality): PatientModalities[] {
  const pairs = contrastablePairs(patients).filter((pair) => pair.includes(modality));
  return patients.filter(({ has }) => pairs.some(([a, b]) => has[a] && has[b]));
}

/**
 * Deals the patients round the batches, one kind of patient (same modalities) after another, so that every batch has
 * its share of each kind; a batch left without a pair to contrast is joined to the one before it.
 *
 * @returns batches of about `batch` patients; none when no two patients share a pair of modalities.
 */
export function patientBatches(
  patients: readonly PatientModalities[],
  { batch, random }: { batch: number; random: SeededRandom },
): PatientModalities[][] {
  const kindOf = ({ has }: PatientModalities) => MODALITIES.filter((modality) => has[modality]);
  const usable = patients.filter((patient) => kindOf(patient).length >= 2);
  if (contrastablePairs(usable).length === 0) return [];
  const kinds = Map.groupBy(usable, (patient) => kindOf(patient).join('+'));
  const count = Math.ceil(usable.length / batch);
  const dealt: PatientModalities[][] = Array.from({ length: count }, () => []);
  let next = 0;
  for (const kind of [...kinds.keys()].sort()) {
    for (const patient of random.fork(kind).shuffle(kinds.get(kind) ?? [])) dealt[next++ % count]?.push(patient);
  }
  const batches: PatientModalities[][] = [];
  for (const drawn of random.fork('batches').shuffle(dealt)) {
    const before = batches.at(-1);
    const alone = contrastablePairs(drawn).length === 0 || (before && contrastablePairs(before).length === 0);
    if (before !== undefined && alone) before.push(...drawn);
    else batches.push([...drawn]);
  }
  return batches;
}
