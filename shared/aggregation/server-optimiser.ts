/**
 * The server's step: how the averaged update moves the weights.
 *
 * FedAvg (McMahan et al. 2017), FedAvgM (Hsu et al. 2019), FedAdam, FedYogi and FedAdagrad (Reddi et al. 2021,
 * Algorithm 2: v starts at tau squared, no bias correction). D is the sample-weighted mean of the sites' updates, which
 * is the direction to go, so weights move by plus the learning rate.
 *
 * Only + - * / and the square root, each in IEEE double precision and rounded to float32 where it is kept: every machine
 * computes the same bits.
 */

/** How it moves, as a plan states it. */
export type ServerOptimiser =
  | { readonly kind: 'fedavg'; readonly learningRate: number }
  | { readonly kind: 'fedavgm'; readonly learningRate: number; readonly momentum: number }
  | {
      readonly kind: 'fedadam' | 'fedyogi' | 'fedadagrad';
      readonly learningRate: number;
      readonly beta1: number;
      /** FedAdagrad adds squares up and does not read it. */
      readonly beta2: number;
      /** The adaptivity constant; v starts at its square. */
      readonly tau: number;
    };

export interface ServerStep {
  readonly weights: Float32Array;
  /** D, as long as the weights. */
  readonly meanDelta: Float32Array;
  /** What the last step of this stage returned, or null at its first. */
  readonly state: Float32Array | null;
  /** The parts of the vector that some site trained. The others keep their weights and their state. */
  readonly trained: readonly { readonly offset: number; readonly size: number }[];
}

export interface ServerStepResult {
  readonly weights: Float32Array;
  /** m, or m followed by v; null for an optimiser without a memory. */
  readonly state: Float32Array | null;
}

/** A run of coordinates, each array of the same length. The kernel writes all but `change`. */
export interface CoordinateRun {
  readonly weights: Float32Array;
  /** D as numerators: `divisor` is what turns the sum of codes into a mean, or 1 for a mean. */
  readonly change: Float32Array | Int32Array | Int16Array;
  readonly divisor: number;
  /** m; null for an optimiser without it. */
  readonly momentum: Float32Array | null;
  /** v; null for an optimiser without it. */
  readonly secondMoment: Float32Array | null;
}

/** What each vector of the optimiser's memory begins as: m, then v. Empty for an optimiser without a memory. */
export function initialMemory(optimiser: ServerOptimiser): readonly number[] {
  switch (optimiser.kind) {
    case 'fedavg':
      return [];
    case 'fedavgm':
      return [0];
    case 'fedadam':
    case 'fedyogi':
    case 'fedadagrad':
      return [0, optimiser.tau * optimiser.tau];
    default:
      return optimiser satisfies never;
  }
}

/**
 * The step of coordinates that some site trained, in place: each depends on itself alone, so a model moves in pieces as it
 * does whole.
 *
 * @returns the sum of the squares of the weights' changes.
 * @throws {RangeError} when the arrays do not fit together or the optimiser.
 */
export function stepCoordinates(optimiser: ServerOptimiser, run: CoordinateRun): number {
  const { weights, change, divisor } = run;
  const size = weights.length;
  requireLength('the mean update', change, size);
  let squares = 0;

  switch (optimiser.kind) {
    case 'fedavg':
      showFractions();
      return stepAveraged(run, optimiser.learningRate);
    case 'fedavgm': {
      const m = requireMemory(run.momentum, size);
      const { learningRate, momentum } = optimiser;
      for (let i = 0; i < size; i++) {
        const before = weights[i]!;
        const next = Math.fround(momentum * m[i]! + Math.fround(change[i]! / divisor));
        const after = Math.fround(before + learningRate * next);
        m[i] = next;
        weights[i] = after;
        const moved = after - before;
        squares += moved * moved;
      }
      return squares;
    }
    case 'fedadam':
    case 'fedyogi':
    case 'fedadagrad': {
      const m = requireMemory(run.momentum, size);
      const v = requireMemory(run.secondMoment, size);
      const nextSecondMoment = secondMoments[optimiser.kind];
      const { learningRate, beta1, beta2, tau } = optimiser;
      for (let i = 0; i < size; i++) {
        const before = weights[i]!;
        const d = Math.fround(change[i]! / divisor);
        const first = Math.fround(beta1 * m[i]! + (1 - beta1) * d);
        const second = Math.fround(nextSecondMoment(v[i]!, d * d, beta2));
        const after = Math.fround(before + (learningRate * first) / (Math.sqrt(second) + tau));
        m[i] = first;
        v[i] = second;
        weights[i] = after;
        const moved = after - before;
        squares += moved * moved;
      }
      return squares;
    }
    default:
      optimiser satisfies never;
      throw new TypeError('Cannot take the server’s step: unknown optimiser');
  }
}

let hasShownFractions = false;

/**
 * The compiler goes by the numbers that it has seen. Over a model that begins with zeros it would take them for whole
 * numbers, and the step takes twice as long until it finds out.
 */
function showFractions(): void {
  if (hasShownFractions) return;
  hasShownFractions = true;
  const weights = new Float32Array(1000).fill(0.3);
  const change = new Int32Array(1000).fill(7);
  for (let time = 0; time < 20; time += 1) {
    stepAveraged({ weights, change, divisor: 9.1, momentum: null, secondMoment: null }, 0.7);
  }
}

function stepAveraged({ weights, change, divisor }: CoordinateRun, learningRate: number): number {
  const size = weights.length;
  let squares = 0;
  for (let i = 0; i < size; i++) {
    const before = weights[i]!;
    // Rounded here, as reading back what was stored is slower.
    const after = Math.fround(before + learningRate * Math.fround(change[i]! / divisor));
    weights[i] = after;
    const moved = after - before;
    squares += moved * moved;
  }
  return squares;
}

/** @throws {RangeError} when the vectors do not fit together. */
export function serverStep(optimiser: ServerOptimiser, step: ServerStep): ServerStepResult {
  const { meanDelta, trained } = step;
  const size = step.weights.length;
  requireLength('the mean update', meanDelta, size);
  const weights = step.weights.slice();
  const memory = initialMemory(optimiser);
  const state = memory.length === 0 ? null : (step.state?.slice() ?? beginMemory(memory, size));
  if (state !== null) requireLength('the optimiser’s state', state, memory.length * size);
  for (const { offset, size: length } of trained) {
    const of = (vector: Float32Array | null, first: number) => vector?.subarray(first, first + length) ?? null;
    stepCoordinates(optimiser, {
      weights: weights.subarray(offset, offset + length),
      change: meanDelta.subarray(offset, offset + length),
      divisor: 1,
      momentum: of(state, offset),
      secondMoment: memory.length < 2 ? null : of(state, size + offset),
    });
  }
  return { weights, state };
}

function beginMemory(memory: readonly number[], size: number): Float32Array {
  const state = new Float32Array(memory.length * size);
  for (const [index, value] of memory.entries()) state.fill(value, index * size, (index + 1) * size);
  return state;
}

const secondMoments = {
  fedadam: (v: number, squared: number, beta2: number) => beta2 * v + (1 - beta2) * squared,
  fedyogi: (v: number, squared: number, beta2: number) => v - (1 - beta2) * squared * Math.sign(v - squared),
  fedadagrad: (v: number, squared: number) => v + squared,
};

function requireMemory(values: Float32Array | null, expected: number): Float32Array {
  if (values === null) throw new RangeError('Cannot take the server’s step: the optimiser’s state is missing');
  requireLength('the optimiser’s state', values, expected);
  return values;
}

function requireLength(what: string, values: { readonly length: number }, expected: number): void {
  if (values.length !== expected) {
    throw new RangeError(
      `Cannot take the server’s step: ${what} must have ${expected} numbers, found ${values.length}`,
    );
  }
}
