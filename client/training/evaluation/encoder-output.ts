/** What one encoder says about every patient of the cohort: the input of the evaluation. It stays at the site. */
import type { Modality } from '@wardround/shared/learning/modality-pairs.ts';
import type { AlignmentBatch } from '@wardround/shared/learning/stages/alignment.ts';
import type { Cohort } from '../../data/cohort.ts';
import { createAlignmentBatch, type EmbeddedSlices } from '../batches/alignment-batch.ts';

/** Bounds the padded arrays of one pass through the alignment model. */
const PATIENTS_AT_ONCE = 64;

/**
 * The mean of each patient's slice embeddings.
 *
 * @returns [patients, slice width]; zero rows for patients without CT.
 */
export function meanSliceEmbeddings(
  cohort: Pick<Cohort, 'patients'>,
  { sliceEmbeddings, sliceWidth: width }: EmbeddedSlices,
): Float32Array {
  const means = new Float32Array(cohort.patients.length * width);
  cohort.patients.forEach(({ slices }, patient) => {
    if (slices === null) return;
    const mean = means.subarray(patient * width, (patient + 1) * width);
    for (let slice = slices.first; slice < slices.first + slices.count; slice++) {
      for (let column = 0; column < width; column++) mean[column]! += sliceEmbeddings[slice * width + column]!;
    }
    for (let column = 0; column < width; column++) mean[column]! /= slices.count;
  });
  return means;
}

export interface PatientEmbeddings extends Readonly<Record<Modality, Float32Array | null>> {
  /** [patients, pooling width]: attention-pooled CT before the projection; zero rows for patients without CT. */
  readonly patient: Float32Array;
}

/** Runs all patients through an alignment model in bounded passes. Rows are in cohort order. */
export async function embedPatients(
  embed: (batch: AlignmentBatch) => Promise<PatientEmbeddings>,
  { cohort, ...embedded }: { cohort: Cohort } & EmbeddedSlices,
): Promise<PatientEmbeddings> {
  const passes: PatientEmbeddings[] = [];
  for (let first = 0; first < cohort.patients.length; first += PATIENTS_AT_ONCE) {
    const count = Math.min(PATIENTS_AT_ONCE, cohort.patients.length - first);
    const indices = Array.from({ length: count }, (_, row) => first + row);
    passes.push(await embed(createAlignmentBatch(cohort, { indices, ...embedded })));
  }
  return {
    ct: joinRows(passes.map(({ ct }) => ct)),
    clinical: joinRows(passes.map(({ clinical }) => clinical)),
    expression: joinRows(passes.map(({ expression }) => expression)),
    patient: joinRows(passes.map(({ patient }) => patient)) ?? new Float32Array(0),
  };
}

function joinRows(parts: readonly (Float32Array | null)[]): Float32Array | null {
  const present = parts.filter((part) => part !== null);
  if (parts.length === 0 || present.length < parts.length) return null;
  const joined = new Float32Array(present.reduce((size, part) => size + part.length, 0));
  let offset = 0;
  for (const part of present) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
