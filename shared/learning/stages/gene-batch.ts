import type { GeneAlignmentSizes } from '../../tensors/layouts/gene-alignment.ts';
import { requireShape } from './require-shape.ts';

/** Slices and the expression profiles of the patients they show: two patients or more, any number of slices of each. */
export interface GeneBatch {
  readonly slices: number;
  readonly patients: number;
  /** [slices, channels, size, size], normalised as the encoder is to see them. */
  readonly images: Float32Array;
  /** Each slice's patient, 0 .. patients - 1: [slices]. */
  readonly patientOf: Int32Array;
  /** [patients, genes], in the order of genes that all sites share. */
  readonly profiles: Float32Array;
  /** Which genes were measured, [patients, genes], 0 for absent; all where null. */
  readonly measured: Uint8Array | null;
}

/**
 * @throws {TypeError} when an array does not fit the batch.
 * @throws {RangeError} when slices of fewer than two patients are given, or of a patient who is not.
 */
export function requireGeneBatch(batch: GeneBatch, sizes: GeneAlignmentSizes): void {
  const { slices, patients, images, patientOf, profiles, measured } = batch;
  const { inputChannels, imageSizePixels, genes } = sizes;
  requireShape('images', images, [slices, inputChannels, imageSizePixels, imageSizePixels]);
  requireShape('patientOf', patientOf, [slices]);
  requireShape('profiles', profiles, [patients, genes.genes]);
  if (measured !== null) requireMeasured(measured, { patients, genes: genes.genes });
  if (patientOf.some((patient) => patient < 0 || patient >= patients)) {
    throw new RangeError(
      `Cannot use the batch: patientOf must be from 0 to ${patients - 1}, found a slice of another patient`,
    );
  }
  const shown = new Set(patientOf).size;
  if (shown < 2) {
    throw new RangeError(
      `Cannot use the batch: slices of at least two patients are needed to contrast, found ${shown}`,
    );
  }
}

function requireMeasured(measured: Uint8Array, { patients, genes }: { patients: number; genes: number }): void {
  requireShape('measured', measured, [patients, genes]);
  for (let patient = 0; patient < patients; patient += 1) {
    if (measured.subarray(patient * genes, (patient + 1) * genes).every((mark) => mark === 0)) {
      throw new RangeError('Cannot use the batch: measured must have a gene of every patient, found a patient without');
    }
  }
}
