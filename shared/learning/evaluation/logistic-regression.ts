/**
 * Binary logistic regression in scikit-learn's form: the minimum of |w|^2 / 2 + C * sum of log losses, the intercept free.
 *
 * Newton's method with step halving, in float64. With fewer rows than features the optimum lies in the span of the rows, so
 * the problem is solved there, exactly, in at most as many unknowns as rows.
 */
import { choleskyInPlace, choleskySolveInPlace } from './cholesky.ts';
import { classIndices } from './class-indices.ts';
import { rowSpaceBasis } from './row-space.ts';

export interface LogisticRegression {
  /** One per feature. */
  readonly weights: Float64Array;
  readonly intercept: number;
}

/** The optimum was not reached; the features are probably on wildly different scales. */
export class LogisticRegressionNotConvergedError extends Error {
  override readonly name = 'LogisticRegressionNotConvergedError';
}

const MAXIMUM_ITERATIONS = 100;
/** Stop when the weights are this close to the optimum: the Newton decrement bounds the distance, as the penalty's curvature is 1. */
const DISTANCE_TOLERANCE = 1e-9;

/**
 * @param features [rows, width], row-major; the width follows from the number of labels.
 * @param labels 0 or 1, both present.
 * @throws {TypeError} when the features do not divide into rows.
 * @throws {RangeError} when a feature is not finite, a label is neither 0 nor 1, a class is empty, or C is not positive.
 * @throws {LogisticRegressionNotConvergedError} when the optimum was not reached.
 */
export function fitLogisticRegression(
  features: Float32Array | Float64Array,
  labels: ArrayLike<number>,
  { inverseRegularisation }: { inverseRegularisation: number },
): LogisticRegression {
  const rows = labels.length;
  const width = features.length / rows;
  if (!Number.isInteger(width) || width < 1) {
    throw new TypeError(`Cannot fit: ${features.length} feature values do not make ${rows} rows`);
  }
  if (!(inverseRegularisation > 0) || !Number.isFinite(inverseRegularisation)) {
    throw new RangeError(
      `Cannot fit: inverseRegularisation must be positive and finite, found ${inverseRegularisation}`,
    );
  }
  for (const value of features)
    if (!Number.isFinite(value)) throw new RangeError('Cannot fit: a feature is not finite');
  classIndices(labels, { atLeast: 1 });

  const matrix = Float64Array.from(features);
  if (rows >= width) return minimise(matrix, labels, inverseRegularisation);
  const { basis, rank } = rowSpaceBasis(matrix, width);
  const reduced = minimise(productWithTranspose(matrix, basis, width), labels, inverseRegularisation);
  const weights = new Float64Array(width);
  for (let r = 0; r < rank; r++) {
    for (let i = 0; i < width; i++) weights[i] = weights[i]! + reduced.weights[r]! * basis[r * width + i]!;
  }
  return { weights, intercept: reduced.intercept };
}

/** The log-odds of the positive class, one per row of `features`; any monotone use (AUC) can take them as they are. */
export function logits(model: LogisticRegression, features: Float32Array | Float64Array): Float64Array {
  const width = model.weights.length;
  const values = new Float64Array(features.length / width);
  for (let row = 0; row < values.length; row++) {
    let sum = model.intercept;
    for (let i = 0; i < width; i++) sum += features[row * width + i]! * model.weights[i]!;
    values[row] = sum;
  }
  return values;
}

/** log(1 + exp(x)) without overflow. */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

function objective(model: LogisticRegression, margins: Float64Array, labels: ArrayLike<number>, c: number): number {
  let penalty = 0;
  for (const weight of model.weights) penalty += weight * weight;
  let loss = 0;
  for (let row = 0; row < margins.length; row++) loss += softplus(labels[row] === 1 ? -margins[row]! : margins[row]!);
  return penalty / 2 + c * loss;
}

function minimise(matrix: Float64Array, labels: ArrayLike<number>, c: number): LogisticRegression {
  const rows = labels.length;
  const width = matrix.length / rows;
  let positives = 0;
  for (let row = 0; row < rows; row++) positives += labels[row]!;
  let model: LogisticRegression = {
    weights: new Float64Array(width),
    intercept: Math.log(positives / (rows - positives)),
  };
  let margins = logitsOfRows(model, matrix, rows);
  let value = objective(model, margins, labels, c);

  for (let iteration = 0; iteration < MAXIMUM_ITERATIONS; iteration++) {
    const { step, decrement } = newtonStep(matrix, labels, { model, margins, c });
    const moved = (share: number): LogisticRegression => ({
      weights: model.weights.map((weight, i) => weight + share * step[i]!),
      intercept: model.intercept + share * step[width]!,
    });
    let length = 0;
    for (const weight of model.weights) length += weight * weight;
    if (decrement <= DISTANCE_TOLERANCE ** 2 * (1 + length)) return moved(1);

    // Close to the optimum the objective's rounding hides the decrease, and the full step is right.
    const trusted = decrement < 1e-9 * (1 + value);
    for (let share = 1; ; share /= 2) {
      if (share < 1e-12) throw notConverged();
      const candidate = moved(share);
      const candidateMargins = logitsOfRows(candidate, matrix, rows);
      const candidateValue = objective(candidate, candidateMargins, labels, c);
      if (trusted || candidateValue <= value - 1e-4 * share * decrement) {
        model = candidate;
        margins = candidateMargins;
        value = candidateValue;
        break;
      }
    }
  }
  throw notConverged();
}

function notConverged(): LogisticRegressionNotConvergedError {
  return new LogisticRegressionNotConvergedError(
    `Cannot fit the logistic regression: no optimum within ${MAXIMUM_ITERATIONS} Newton steps; standardise the features or lower inverseRegularisation`,
  );
}

/** Like `logits`, also for a matrix without columns (all rows equal to zero). */
function logitsOfRows(model: LogisticRegression, matrix: Float64Array, rows: number): Float64Array {
  return model.weights.length === 0 ? new Float64Array(rows).fill(model.intercept) : logits(model, matrix);
}

/** The Newton step for (weights, intercept) and g^T H^-1 g, twice the decrease that the quadratic model promises. */
function newtonStep(
  matrix: Float64Array,
  labels: ArrayLike<number>,
  { model, margins, c }: { model: LogisticRegression; margins: Float64Array; c: number },
): { step: Float64Array; decrement: number } {
  const width = model.weights.length;
  const size = width + 1;
  const rows = margins.length;
  const gradient = new Float64Array(size);
  gradient.set(model.weights);
  const curvature = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const probability = 1 / (1 + Math.exp(-margins[row]!));
    // p (1 - p) from the margin's size, so that it does not vanish by cancellation when p rounds to 1.
    const odds = Math.exp(-Math.abs(margins[row]!));
    curvature[row] = (c * odds) / (1 + odds) ** 2;
    const slope = c * (probability - labels[row]!);
    for (let i = 0; i < width; i++) gradient[i] = gradient[i]! + slope * matrix[row * width + i]!;
    gradient[width] = gradient[width]! + slope;
  }

  const hessian = new Float64Array(size * size);
  for (let i = 0; i < width; i++) hessian[i * size + i] = 1;
  for (let row = 0; row < rows; row++) {
    const at = row * width;
    for (let i = 0; i < width; i++) {
      const scaled = curvature[row]! * matrix[at + i]!;
      const line = i * size;
      for (let j = 0; j <= i; j++) hessian[line + j] = hessian[line + j]! + scaled * matrix[at + j]!;
    }
    const line = width * size;
    for (let j = 0; j < width; j++) hessian[line + j] = hessian[line + j]! + curvature[row]! * matrix[at + j]!;
    hessian[line + width] = hessian[line + width]! + curvature[row]!;
  }

  const step = gradient.map((value) => -value);
  if (!choleskyInPlace(hessian, size)) throw notConverged();
  choleskySolveInPlace(hessian, step);
  let decrement = 0;
  for (let i = 0; i < size; i++) decrement -= gradient[i]! * step[i]!;
  return { step, decrement };
}

/** matrix [rows, width] times basis [rank, width] transposed. */
function productWithTranspose(matrix: Float64Array, basis: Float64Array, width: number): Float64Array {
  const rows = matrix.length / width;
  const rank = basis.length / width;
  const product = new Float64Array(rows * rank);
  for (let row = 0; row < rows; row++) {
    for (let r = 0; r < rank; r++) {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += matrix[row * width + i]! * basis[r * width + i]!;
      product[row * rank + r] = sum;
    }
  }
  return product;
}
