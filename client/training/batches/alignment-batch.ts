/** Gathers patients into the padded arrays that the alignment model takes. */
import type { AlignmentBatch } from '@wardround/shared/learning/stages/alignment.ts';
import type { Cohort } from '../../data/cohort.ts';

/** What the slice encoder says of every slice of the cohort. */
export interface EmbeddedSlices {
  /** [slices of the cohort, slice width] */
  readonly sliceEmbeddings: Float32Array;
  readonly sliceWidth: number;
}

interface Rows {
  readonly values: Float32Array | null;
  readonly present: boolean[];
}

/** [patients, width] with zero rows for those who lack the modality; null when the site has none of it. */
function rows(vectors: readonly (Float32Array | null)[], width: number | null): Rows {
  const present = vectors.map((vector) => vector !== null);
  if (!width) return { values: null, present };
  const values = new Float32Array(vectors.length * width);
  vectors.forEach((vector, row) => {
    if (vector !== null) values.set(vector, row * width);
  });
  return { values, present };
}

/**
 * @param indices the patients' places in the cohort, in the order of the batch's rows
 */
export function createAlignmentBatch(
  cohort: Cohort,
  { indices, sliceEmbeddings, sliceWidth }: { indices: readonly number[] } & EmbeddedSlices,
): AlignmentBatch {
  const patients = indices.map((index) => {
    const patient = cohort.patients[index];
    if (patient === undefined) throw new RangeError(`Cannot gather the batch: the cohort has no patient ${index}`);
    return patient;
  });
  const slicesPerPatient = Math.max(1, ...patients.map(({ slices }) => slices?.count ?? 0));
  const slices = new Float32Array(patients.length * slicesPerPatient * sliceWidth);
  const sliceMask = new Float32Array(patients.length * slicesPerPatient);
  patients.forEach((patient, row) => {
    if (patient.slices === null) return;
    const { first, count } = patient.slices;
    slices.set(
      sliceEmbeddings.subarray(first * sliceWidth, (first + count) * sliceWidth),
      row * slicesPerPatient * sliceWidth,
    );
    sliceMask.fill(1, row * slicesPerPatient, row * slicesPerPatient + count);
  });
  const clinical = rows(
    patients.map((patient) => patient.clinical),
    cohort.clinicalInputWidth,
  );
  const expression = rows(
    patients.map((patient) => patient.expression),
    cohort.expressionInputWidth,
  );
  return {
    patients: patients.length,
    slicesPerPatient,
    slices,
    sliceMask,
    clinical: clinical.values,
    clinicalPresent: clinical.present,
    expression: expression.values,
    expressionPresent: expression.present,
  };
}
