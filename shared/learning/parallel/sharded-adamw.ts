/**
 * AdamW for a team whose members each have the gradient of their own share of a batch: every member adds up, clips and
 * applies one slice of the flat vector and keeps that slice's moments only (Rajbhandari et al. 2020, arXiv 1910.02054).
 */
import type { ParameterLayout } from '../../tensors/layout.ts';
import { type AdamWSettings, type AdamWState, decaysByDefault, freshAdamWState } from '../optimisers/adamw.ts';
import type { Barrier } from './barrier.ts';
import { shareOf } from './share.ts';

/** What the members share: the vector and its moments, the members' gradients one after another, and the squares of their slices. */
export interface ShardedMemory {
  readonly parameters: SharedArrayBuffer;
  readonly firstMoment: SharedArrayBuffer;
  readonly secondMoment: SharedArrayBuffer;
  /** One number: the steps taken. */
  readonly steps: SharedArrayBuffer;
  readonly gradients: SharedArrayBuffer;
  readonly squares: SharedArrayBuffer;
}

/** @param options `from`: where another AdamW stood, to go on from there instead of from the values. */
export function createShardedMemory(
  start: Float32Array,
  members: number,
  { from = freshAdamWState(start) }: { readonly from?: AdamWState | undefined } = {},
): ShardedMemory {
  const { values } = from;
  const steps = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  new Int32Array(steps)[0] = from.steps;
  return {
    parameters: shared(values),
    firstMoment: shared(from.firstMoment),
    secondMoment: shared(from.secondMoment),
    steps,
    gradients: new SharedArrayBuffer(members * values.byteLength),
    squares: new SharedArrayBuffer(members * Float64Array.BYTES_PER_ELEMENT),
  };
}

function shared(values: Float32Array): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(values.byteLength);
  new Float32Array(memory).set(values);
  return memory;
}

/** What the memory holds between two steps, copied. */
export function shardedState({ parameters, firstMoment, secondMoment, steps }: ShardedMemory): AdamWState {
  return {
    steps: new Int32Array(steps)[0]!,
    values: new Float32Array(parameters).slice(),
    firstMoment: new Float32Array(firstMoment).slice(),
    secondMoment: new Float32Array(secondMoment).slice(),
  };
}

export interface ShardedAdamW {
  /** The vector as it stands; all members see the same numbers between two steps. */
  readonly parameters: Float32Array;
  /** Where this member puts its gradient before the next step; the others read it. */
  readonly gradient: Float32Array;
  /**
   * Moves the vector against the sum of the gradients that members 0..working - 1 have given. All members call it with
   * the same settings and return when the whole vector has moved.
   *
   * @param options.common where the part begins whose gradient every member computes in full, so that it counts once.
   * @throws {TeamStoppedError} when another member does not come.
   */
  step(options: { readonly learningRate: number; readonly working: number; readonly common: number }): void;
}

/** Keeps the scale finite for a gradient of zero (PyTorch's `clip_grad_norm_`). */
const smallestNorm = 1e-6;

/** One member's end of the optimiser. */
export function openShardedAdamW(
  memory: ShardedMemory,
  {
    layout,
    settings,
    ...team
  }: {
    readonly layout: ParameterLayout;
    readonly settings: AdamWSettings;
    readonly member: number;
    readonly members: number;
    readonly barrier: Barrier;
  },
): ShardedAdamW {
  const { member, members, barrier } = team;
  const { beta1, beta2, clipNorm, weightDecay, epsilon = 1e-8, decays = decaysByDefault } = settings;
  const { size } = layout;
  const parameters = new Float32Array(memory.parameters);
  const gradients = Array.from({ length: members }, (_, of) => new Float32Array(memory.gradients, of * size * 4, size));
  const squares = new Float64Array(memory.squares);
  const { first, count } = shareOf(size, { member, members });
  const decay = new Float32Array(size);
  for (const tensor of layout.tensors) {
    decay.fill(decays(tensor) ? weightDecay : 0, tensor.offset, tensor.offset + tensor.size);
  }
  const firstMoment = new Float32Array(memory.firstMoment, 4 * first, count);
  const secondMoment = new Float32Array(memory.secondMoment, 4 * first, count);
  const sum = new Float32Array(count);
  const stepsTaken = new Int32Array(memory.steps);
  let steps = stepsTaken[0]!;

  /** Adds in the members' order, so that the same team gives the same bits each time. */
  const reduce = ({ working, common }: { working: number; common: number }): number => {
    sum.set(gradients[0]!.subarray(first, first + count));
    const shared = Math.max(0, Math.min(count, common - first));
    for (const gradient of gradients.slice(1, working)) {
      for (let index = 0; index < shared; index += 1) sum[index]! += gradient[first + index]!;
    }
    let square = 0;
    for (let index = 0; index < count; index += 1) square += sum[index]! * sum[index]!;
    return square;
  };

  return {
    parameters,
    gradient: gradients[member]!,
    step({ learningRate, working, common }) {
      barrier.wait();
      squares[member] = reduce({ working, common });
      barrier.wait();
      const norm = Math.sqrt(squares.reduce((total, square) => total + square, 0));
      const scale = Math.min(1, clipNorm / (norm + smallestNorm));
      steps += 1;
      const stepSize = learningRate / (1 - beta1 ** steps);
      const secondScale = 1 / Math.sqrt(1 - beta2 ** steps);
      for (let index = 0; index < count; index += 1) {
        const clipped = sum[index]! * scale;
        const mean = firstMoment[index]! * beta1 + clipped * (1 - beta1);
        const square = secondMoment[index]! * beta2 + clipped * clipped * (1 - beta2);
        firstMoment[index] = mean;
        secondMoment[index] = square;
        const value = parameters[first + index]!;
        parameters[first + index] =
          value -
          value * decay[first + index]! * learningRate -
          (mean / (Math.sqrt(square) * secondScale + epsilon)) * stepSize;
      }
      if (member === 0) stepsTaken[0] = steps;
      barrier.wait();
    },
  };
}
