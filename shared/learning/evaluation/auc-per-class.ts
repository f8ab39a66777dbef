import { averagePrecision } from './average-precision.ts';
import { rocAuc } from './roc-auc.ts';

/**
 * One-versus-rest AUC of several exclusive classes: per class, their mean, and their mean weighted by how often each
 * occurs.
 *
 * @param scores [items, classes], row-major.
 * @param labels class numbers 0 .. classes - 1; every class must occur.
 */
export function multiClassAuc(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
  { classes }: { readonly classes: number },
): { readonly perClass: Float64Array; readonly macro: number; readonly weighted: number } {
  const perClass = new Float64Array(classes);
  let weighted = 0;
  for (let index = 0; index < classes; index += 1) {
    const isClass = Uint8Array.from(labels, (label) => Number(label === index));
    perClass[index] = rocAuc(columnOf(scores, { index, columns: classes }), isClass);
    weighted += (perClass[index]! * isClass.reduce((sum, one) => sum + one, 0)) / labels.length;
  }
  return { perClass, macro: mean(perClass), weighted };
}

/**
 * AUC and average precision of several labels that may hold together.
 *
 * @param scores [items, labels], row-major.
 * @param truth [items, labels], 0 or 1.
 */
export function multiLabelAuc(
  scores: ArrayLike<number>,
  truth: ArrayLike<number>,
  { labels }: { readonly labels: number },
): {
  readonly aucPerLabel: Float64Array;
  readonly aucMacro: number;
  /** Over all items and labels pooled. */
  readonly aucMicro: number;
  readonly averagePrecisionPerLabel: Float64Array;
  readonly meanAveragePrecision: number;
} {
  const columns = Array.from({ length: labels }, (_, index) => ({
    scores: columnOf(scores, { index, columns: labels }),
    truth: columnOf(truth, { index, columns: labels }),
  }));
  const aucPerLabel = Float64Array.from(columns, (column) => rocAuc(column.scores, column.truth));
  const averagePrecisionPerLabel = Float64Array.from(columns, (column) =>
    averagePrecision(column.scores, column.truth),
  );
  return {
    aucPerLabel,
    aucMacro: mean(aucPerLabel),
    aucMicro: rocAuc(scores, truth),
    averagePrecisionPerLabel,
    meanAveragePrecision: mean(averagePrecisionPerLabel),
  };
}

function columnOf(
  matrix: ArrayLike<number>,
  { index, columns }: { readonly index: number; readonly columns: number },
): Float64Array {
  return Float64Array.from({ length: matrix.length / columns }, (_, row) => matrix[row * columns + index]!);
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
