/**
 * What the linear probe and the few-shot probe share: a logistic regression on standardised features, fitted on some
 * patients and scored on others.
 */
import { fitLogisticRegression, logits } from './logistic-regression.ts';

export interface ProbeData {
  /** [patients, width], row-major. */
  readonly features: Float32Array;
  readonly width: number;
  /** 0 or 1 per patient; only those named by the indices are read. */
  readonly labels: ArrayLike<number | null>;
  readonly trainIndices: readonly number[];
  readonly testIndices: readonly number[];
}

/** The rows of a matrix [rows, width] at the given indices. */
function takeRows(matrix: Float64Array, width: number, indices: readonly number[]): Float64Array {
  const taken = new Float64Array(indices.length * width);
  indices.forEach((index, row) => {
    taken.set(matrix.subarray(index * width, (index + 1) * width), row * width);
  });
  return taken;
}

/** The labels at the given indices. */
export function takeLabels(labels: ArrayLike<number | null>, indices: readonly number[]): Uint8Array {
  return Uint8Array.from(indices, (index) => {
    const label = labels[index];
    if (label !== 0 && label !== 1) {
      throw new RangeError(`Cannot use the labels: each must be 0 or 1, label ${index} is ${label}`);
    }
    return label;
  });
}

/** The test patients' log-odds after fitting on the training patients. `standardised` is [patients, width]. */
export function probeScores(
  standardised: Float64Array,
  { width, labels, trainIndices, testIndices }: Omit<ProbeData, 'features'>,
  { inverseRegularisation }: { inverseRegularisation: number },
): Float64Array {
  const model = fitLogisticRegression(takeRows(standardised, width, trainIndices), takeLabels(labels, trainIndices), {
    inverseRegularisation,
  });
  return logits(model, takeRows(standardised, width, testIndices));
}
