/** How well predicted classes agree with the true ones. All figures of one class are 0 where they would divide by 0. */
export interface ClassificationReport {
  /** [classes, classes] counts: row is the true class, column the predicted one. */
  readonly confusion: Int32Array;
  readonly accuracy: number;
  /** The mean recall over classes that occur. */
  readonly balancedAccuracy: number;
  readonly precisionPerClass: Float64Array;
  readonly recallPerClass: Float64Array;
  readonly f1PerClass: Float64Array;
  /** The mean over classes, each counting alike. */
  readonly f1Macro: number;
  /** The mean over classes, each counting as often as it occurs. */
  readonly f1Weighted: number;
}

/**
 * @param truth class numbers 0 .. classes - 1; `predicted` likewise, one for one.
 * @throws {TypeError} when the two differ in length or are empty.
 * @throws {RangeError} when a class number is out of range.
 */
export function classificationReport(
  truth: ArrayLike<number>,
  predicted: ArrayLike<number>,
  { classes }: { readonly classes: number },
): ClassificationReport {
  const confusion = countConfusion(truth, predicted, classes);
  const count = truth.length;
  const at = (row: number, column: number) => confusion[row * classes + column]!;
  const all = Array.from({ length: classes }, (_, index) => index);
  const hits = all.map((index) => at(index, index));
  const support = all.map((row) => all.reduce((sum, column) => sum + at(row, column), 0));
  const predictions = all.map((column) => all.reduce((sum, row) => sum + at(row, column), 0));
  const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
  const recallPerClass = Float64Array.from(all, (index) => share(hits[index]!, support[index]!));
  const f1PerClass = Float64Array.from(all, (index) => share(2 * hits[index]!, support[index]! + predictions[index]!));
  const occurring = all.filter((index) => support[index]! > 0);
  return {
    confusion,
    accuracy: hits.reduce((sum, hit) => sum + hit, 0) / count,
    balancedAccuracy: occurring.reduce((sum, index) => sum + recallPerClass[index]!, 0) / occurring.length,
    precisionPerClass: Float64Array.from(all, (index) => share(hits[index]!, predictions[index]!)),
    recallPerClass,
    f1PerClass,
    f1Macro: f1PerClass.reduce((sum, f1) => sum + f1, 0) / classes,
    f1Weighted: f1PerClass.reduce((sum, f1, index) => sum + f1 * support[index]!, 0) / count,
  };
}

function countConfusion(truth: ArrayLike<number>, predicted: ArrayLike<number>, classes: number): Int32Array {
  if (truth.length !== predicted.length || truth.length === 0) {
    throw new TypeError(
      `Cannot compare the classes: as many predictions as true classes are needed, found ${predicted.length} and ${truth.length}`,
    );
  }
  const confusion = new Int32Array(classes * classes);
  for (let i = 0; i < truth.length; i += 1) {
    for (const value of [truth[i]!, predicted[i]!]) {
      if (!Number.isInteger(value) || value < 0 || value >= classes) {
        throw new RangeError(`Cannot compare the classes: each must be 0 to ${classes - 1}, item ${i} has ${value}`);
      }
    }
    confusion[truth[i]! * classes + predicted[i]!]! += 1;
  }
  return confusion;
}
