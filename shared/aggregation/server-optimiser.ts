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

/** @throws {RangeError} when the vectors do not fit together. */
export function serverStep(optimiser: ServerOptimiser, step: ServerStep): ServerStepResult {
  const size = step.weights.length;
  requireLength('the mean update', step.meanDelta, size);
  const weights = step.weights.slice();
  const { meanDelta, trained } = step;

  switch (optimiser.kind) {
    case 'fedavg':
      for (const { offset, size: length } of trained) {
        for (let i = offset; i < offset + length; i++) weights[i]! += optimiser.learningRate * meanDelta[i]!;
      }
      return { weights, state: null };
    case 'fedavgm': {
      const state = step.state?.slice() ?? new Float32Array(size);
      requireLength('the optimiser’s state', state, size);
      for (const { offset, size: length } of trained) {
        for (let i = offset; i < offset + length; i++) {
          state[i] = optimiser.momentum * state[i]! + meanDelta[i]!;
          weights[i]! += optimiser.learningRate * state[i]!;
        }
      }
      return { weights, state };
    }
    case 'fedadam':
    case 'fedyogi':
    case 'fedadagrad': {
      const state = step.state?.slice() ?? new Float32Array(2 * size).fill(optimiser.tau * optimiser.tau, size);
      requireLength('the optimiser’s state', state, 2 * size);
      const secondMoment = secondMoments[optimiser.kind];
      const { learningRate, beta1, beta2, tau } = optimiser;
      for (const { offset, size: length } of trained) {
        for (let i = offset; i < offset + length; i++) {
          const d = meanDelta[i]!;
          state[i] = beta1 * state[i]! + (1 - beta1) * d;
          state[size + i] = secondMoment(state[size + i]!, d * d, beta2);
          weights[i]! += (learningRate * state[i]!) / (Math.sqrt(state[size + i]!) + tau);
        }
      }
      return { weights, state };
    }
    default:
      optimiser satisfies never;
      throw new TypeError('Cannot take the server’s step: unknown optimiser');
  }
}

const secondMoments = {
  fedadam: (v: number, squared: number, beta2: number) => beta2 * v + (1 - beta2) * squared,
  fedyogi: (v: number, squared: number, beta2: number) => v - (1 - beta2) * squared * Math.sign(v - squared),
  fedadagrad: (v: number, squared: number) => v + squared,
};

function requireLength(what: string, values: Float32Array, expected: number): void {
  if (values.length !== expected) {
    throw new RangeError(
      `Cannot take the server’s step: ${what} must have ${expected} numbers, found ${values.length}`,
    );
  }
}
