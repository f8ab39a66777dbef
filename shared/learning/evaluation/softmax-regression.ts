/**
 * Multi-class logistic regression in scikit-learn's form: the minimum of |W|^2 / 2 + C * sum of log losses over a full
 * softmax, the intercepts free. Newton's method in float64; each step is solved by conjugate gradients, so that no matrix of
 * second derivatives is held.
 */
import { LogisticRegressionNotConvergedError } from './logistic-regression.ts';

export interface SoftmaxRegression {
  /** [classes, width], row-major. */
  readonly weights: Float64Array;
  /** One per class; their mean is zero, as only their differences are defined. */
  readonly intercepts: Float64Array;
}

const maximumIterations = 100;
/** Stop when the gradient is this small beside the sums it is made of. */
const gradientTolerance = 1e-10;

interface Problem {
  readonly features: ArrayLike<number>;
  readonly labels: ArrayLike<number>;
  readonly width: number;
  readonly classes: number;
  readonly c: number;
}

/**
 * @param features [rows, width], row-major; the width follows from the number of labels.
 * @param labels class numbers 0 .. classes - 1, every class present.
 * @throws {TypeError} when the features do not divide into rows.
 * @throws {RangeError} when a feature is not finite, a label is out of range, a class is empty, or C is not positive.
 * @throws {LogisticRegressionNotConvergedError} when the optimum was not reached.
 */
export function fitSoftmaxRegression(
  features: Float32Array | Float64Array,
  labels: ArrayLike<number>,
  { classes, inverseRegularisation }: { readonly classes: number; readonly inverseRegularisation: number },
): SoftmaxRegression {
  const width = features.length / labels.length;
  checkProblem(features, labels, { width, classes, inverseRegularisation });
  const problem: Problem = { features, labels, width, classes, c: inverseRegularisation };
  // One row per class: the weights, then the intercept.
  let parameters: Float64Array = new Float64Array(classes * (width + 1));
  let state = evaluate(problem, parameters);
  for (let iteration = 0; iteration < maximumIterations; iteration += 1) {
    const steepness = norm(state.gradient);
    if (steepness <= gradientTolerance * (1 + inverseRegularisation * labels.length)) {
      return separate(problem, parameters);
    }
    const step = newtonStep(problem, state, steepness);
    const slope = dot(step, state.gradient);
    let share = 1;
    let next = evaluate(problem, moved(parameters, step, share));
    // Near the optimum rounding hides the decrease, and the full step is right.
    while (next.value > state.value + 1e-4 * share * slope + 1e-12 * Math.abs(state.value)) {
      share /= 2;
      if (share < 1e-12) throw notConverged();
      next = evaluate(problem, moved(parameters, step, share));
    }
    parameters = moved(parameters, step, share);
    state = next;
  }
  throw notConverged();
}

/** The probability of each class, [rows, classes], for rows of features. */
export function classProbabilities(
  { weights, intercepts }: SoftmaxRegression,
  features: Float32Array | Float64Array,
): Float64Array {
  const classes = intercepts.length;
  const width = weights.length / classes;
  const rows = features.length / width;
  const probabilities = new Float64Array(rows * classes);
  for (let row = 0; row < rows; row += 1) {
    for (let index = 0; index < classes; index += 1) {
      let logit = intercepts[index]!;
      for (let i = 0; i < width; i += 1) logit += weights[index * width + i]! * features[row * width + i]!;
      probabilities[row * classes + index] = logit;
    }
    softmaxInPlace(probabilities.subarray(row * classes, (row + 1) * classes));
  }
  return probabilities;
}

interface State {
  readonly value: number;
  readonly gradient: Float64Array;
  /** [rows, classes] */
  readonly probabilities: Float64Array;
}

function evaluate(problem: Problem, parameters: Float64Array): State {
  const { features, labels, width, classes, c } = problem;
  const probabilities = new Float64Array(labels.length * classes);
  const gradient = new Float64Array(parameters.length);
  let value = 0;
  for (let index = 0; index < classes; index += 1) {
    for (let i = 0; i < width; i += 1) {
      const at = index * (width + 1) + i;
      gradient[at] = parameters[at]!;
      value += parameters[at]! ** 2 / 2;
    }
  }
  for (let row = 0; row < labels.length; row += 1) {
    const own = probabilities.subarray(row * classes, (row + 1) * classes);
    applyRow(problem, { row, parameters, into: own });
    const logProbability = own[labels[row]!]! - softmaxInPlace(own);
    value -= c * logProbability;
    for (let index = 0; index < classes; index += 1) {
      const slope = c * (own[index]! - Number(labels[row] === index));
      const at = index * (width + 1);
      for (let i = 0; i < width; i += 1) gradient[at + i]! += slope * features[row * width + i]!;
      gradient[at + width]! += slope;
    }
  }
  return { value, gradient, probabilities };
}

/** Conjugate gradients on H step = -gradient, to a precision that rises as the optimum comes near. */
function newtonStep(problem: Problem, { gradient, probabilities }: State, steepness: number): Float64Array {
  const step = new Float64Array(gradient.length);
  const residual = gradient.map((value) => -value);
  const direction = residual.slice();
  let square = dot(residual, residual);
  const enough = steepness * Math.min(1e-3, Math.sqrt(steepness));
  for (let iteration = 0; iteration < 2 * gradient.length + 50 && Math.sqrt(square) > enough; iteration += 1) {
    const curved = hessianTimes(problem, probabilities, direction);
    const share = square / dot(direction, curved);
    for (let i = 0; i < step.length; i += 1) {
      step[i]! += share * direction[i]!;
      residual[i]! -= share * curved[i]!;
    }
    const next = dot(residual, residual);
    for (let i = 0; i < step.length; i += 1) direction[i] = residual[i]! + (next / square) * direction[i]!;
    square = next;
  }
  return step;
}

function hessianTimes(problem: Problem, probabilities: Float64Array, direction: Float64Array): Float64Array {
  const { features, labels, width, classes, c } = problem;
  const product = new Float64Array(direction.length);
  for (let index = 0; index < classes; index += 1) {
    for (let i = 0; i < width; i += 1) product[index * (width + 1) + i] = direction[index * (width + 1) + i]!;
  }
  const logits = new Float64Array(classes);
  for (let row = 0; row < labels.length; row += 1) {
    const own = probabilities.subarray(row * classes, (row + 1) * classes);
    applyRow(problem, { row, parameters: direction, into: logits });
    const mean = dot(own, logits);
    for (let index = 0; index < classes; index += 1) {
      const slope = c * own[index]! * (logits[index]! - mean);
      const at = index * (width + 1);
      for (let i = 0; i < width; i += 1) product[at + i]! += slope * features[row * width + i]!;
      product[at + width]! += slope;
    }
  }
  return product;
}

/** The logits of one row of features. */
function applyRow(
  { features, width, classes }: Problem,
  { row, parameters, into }: { row: number; parameters: Float64Array; into: Float64Array },
): void {
  for (let index = 0; index < classes; index += 1) {
    const at = index * (width + 1);
    let sum = parameters[at + width]!;
    for (let i = 0; i < width; i += 1) sum += parameters[at + i]! * features[row * width + i]!;
    into[index] = sum;
  }
}

/** Turns logits into probabilities; returns the logarithm of the sum of their exponentials. */
function softmaxInPlace(logits: Float64Array): number {
  const largest = logits.reduce((a, b) => Math.max(a, b));
  let sum = 0;
  for (let i = 0; i < logits.length; i += 1) {
    logits[i] = Math.exp(logits[i]! - largest);
    sum += logits[i]!;
  }
  for (let i = 0; i < logits.length; i += 1) logits[i]! /= sum;
  return largest + Math.log(sum);
}

function separate({ width, classes }: Problem, parameters: Float64Array): SoftmaxRegression {
  const weights = new Float64Array(classes * width);
  const intercepts = new Float64Array(classes);
  for (let index = 0; index < classes; index += 1) {
    const at = index * (width + 1);
    weights.set(parameters.subarray(at, at + width), index * width);
    intercepts[index] = parameters[at + width]!;
  }
  const mean = intercepts.reduce((sum, value) => sum + value, 0) / classes;
  return { weights, intercepts: intercepts.map((value) => value - mean) };
}

function checkProblem(
  features: Float32Array | Float64Array,
  labels: ArrayLike<number>,
  { width, classes, inverseRegularisation }: { width: number; classes: number; inverseRegularisation: number },
): void {
  if (!Number.isInteger(width) || width < 1) {
    throw new TypeError(`Cannot fit: ${features.length} feature values do not make ${labels.length} rows`);
  }
  if (!(inverseRegularisation > 0) || !Number.isFinite(inverseRegularisation)) {
    throw new RangeError(
      `Cannot fit: inverseRegularisation must be positive and finite, found ${inverseRegularisation}`,
    );
  }
  if (!features.every(Number.isFinite)) throw new RangeError('Cannot fit: a feature is not finite');
  const found = new Set<number>();
  for (let row = 0; row < labels.length; row += 1) {
    const label = labels[row]!;
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new RangeError(`Cannot fit: each label must be 0 to ${classes - 1}, label ${row} is ${label}`);
    }
    found.add(label);
  }
  if (found.size < classes) throw new RangeError(`Cannot fit: all ${classes} classes must occur, found ${found.size}`);
}

function moved(parameters: Float64Array, step: Float64Array, share: number): Float64Array {
  return parameters.map((value, index) => value + share * step[index]!);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i]! * b[i]!;
  return sum;
}

function norm(values: Float64Array): number {
  return Math.sqrt(dot(values, values));
}

function notConverged(): LogisticRegressionNotConvergedError {
  return new LogisticRegressionNotConvergedError(
    `Cannot fit the softmax regression: no optimum within ${maximumIterations} Newton steps; standardise the features or lower inverseRegularisation`,
  );
}
