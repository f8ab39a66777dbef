/** The patients of one alignment step, padded to the longest bag, and what is read from them. */
import type { Modality } from '../modality-pairs.ts';

export interface AlignmentBatch {
  readonly patients: number;
  /** The padded number of slices. */
  readonly slicesPerPatient: number;
  /** [patients, slicesPerPatient, slice width]; padding is never read. */
  readonly slices: Float32Array;
  /** [patients, slicesPerPatient]: 1 where there is a slice, else 0; a row of zeros is a patient without CT. */
  readonly sliceMask: Float32Array;
  /** [patients, clinical inputs], or null when nobody in the batch has clinical data; absent patients' rows are never read. */
  readonly clinical: Float32Array | null;
  readonly clinicalPresent: readonly boolean[];
  readonly expression: Float32Array | null;
  readonly expressionPresent: readonly boolean[];
}

/** Widths of one row of each modality; null where the model has no encoder for it. */
export interface InputWidths {
  readonly slice: number;
  readonly clinical: number | null;
  readonly expression: number | null;
}

/**
 * Who has which modality. A modality that the model has no encoder for counts as absent.
 *
 * @throws {TypeError} when an array's length does not fit the batch, or a patient is said to have values that are not given.
 */
export function presentModalities(batch: AlignmentBatch, widths: InputWidths): Record<Modality, boolean[]> {
  const { patients, slicesPerPatient, sliceMask } = batch;
  expectLength('slices', batch.slices, patients * slicesPerPatient * widths.slice);
  expectLength('sliceMask', sliceMask, patients * slicesPerPatient);
  const ct = Array.from({ length: patients }, (_, patient) =>
    sliceMask.subarray(patient * slicesPerPatient, (patient + 1) * slicesPerPatient).some((value) => value !== 0),
  );
  const tabular = (modality: 'clinical' | 'expression') => {
    const flags = batch[`${modality}Present`];
    const width = widths[modality];
    expectLength(`${modality}Present`, flags, patients);
    if (width === null) return flags.map(() => false);
    const values = batch[modality];
    if (values !== null) expectLength(modality, values, patients * width);
    else if (flags.includes(true)) throw new TypeError(`Cannot use the batch: ${modality} is null, but some have it`);
    return [...flags];
  };
  return { ct, clinical: tabular('clinical'), expression: tabular('expression') };
}

function expectLength(name: string, values: { readonly length: number }, expected: number): void {
  if (values.length !== expected) {
    throw new TypeError(`Cannot use the batch: ${name} must have ${expected} values, found ${values.length}`);
  }
}

/** The rows [patients.length, width] of a matrix for some of its patients. */
export function packRows(matrix: Float32Array, width: number, patients: readonly number[]): Float32Array {
  const rows = new Float32Array(patients.length * width);
  patients.forEach((patient, row) => {
    rows.set(matrix.subarray(patient * width, (patient + 1) * width), row * width);
  });
  return rows;
}

/** The slices of some patients without padding: values [count, slice width] and membership [patients.length, count]. */
export function packSlices(
  { slices, sliceMask, slicesPerPatient }: AlignmentBatch,
  sliceWidth: number,
  patients: readonly number[],
): { values: Float32Array; membership: Float32Array; count: number } {
  const taken = patients.flatMap((patient, owner) =>
    Array.from({ length: slicesPerPatient }, (_, slice) => ({
      slice: patient * slicesPerPatient + slice,
      owner,
    })).filter(({ slice }) => sliceMask[slice] !== 0),
  );
  const membership = new Float32Array(patients.length * taken.length);
  taken.forEach(({ owner }, row) => {
    membership[owner * taken.length + row] = 1;
  });
  const indices = taken.map(({ slice }) => slice);
  return { values: packRows(slices, sliceWidth, indices), membership, count: taken.length };
}
