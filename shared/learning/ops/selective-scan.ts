/**
 * The selective scan (Gu and Dao 2023, arXiv 2312.00752, section 3): a linear recurrence over a sequence whose step
 * sizes, inputs and outputs depend on the token. With dt = softplus(delta + deltaBias) and A = -exp(aLog),
 *
 *     h[t] = exp(dt[t] A) h[t-1] + dt[t] b[t] u[t],    y[t] = <c[t], h[t]> + d u[t]
 *
 * for each channel, whose state h has `states` numbers. Channels come in groups that share b and c.
 */
import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from './differentiable.ts';
import { scanByBlocks } from './selective-scan-blocks.ts';
import { scanByLoop } from './selective-scan-loop.ts';
import type { ScanSizes } from './selective-scan-method.ts';

/** 64 MiB for each of the few tensors that hold the states of a segment. */
const scanByTensors = scanByBlocks({ segmentNumbers: 2 ** 24 });

export interface SelectiveScanInputs {
  /** [sequences, length, channels], the channels group by group. */
  readonly u: Tensor3D;
  /** Step sizes before bias and softplus; of u's shape. */
  readonly delta: Tensor3D;
  /** [channels] */
  readonly deltaBias: Tensor1D;
  /** [channels, states] */
  readonly aLog: Tensor2D;
  /** [sequences, length, groups * states]; the number of groups follows from the shapes. */
  readonly b: Tensor3D;
  /** Of b's shape. */
  readonly c: Tensor3D;
  /** [channels] */
  readonly d: Tensor1D;
}

/**
 * y [sequences, length, channels].
 *
 * For the way back only the inputs and the states at the beginnings of segments are kept; the states between are
 * computed again.
 *
 * @throws {TypeError} when the shapes do not belong together.
 */
export function selectiveScan(engine: Engine, inputs: SelectiveScanInputs): Tensor3D {
  return scan(engine, inputs, { withLastState: false });
}

/** The same, with the state after the last token, [sequences, channels, states]. */
export function selectiveScanWithState(
  engine: Engine,
  inputs: SelectiveScanInputs,
): { readonly y: Tensor3D; readonly lastState: Tensor3D } {
  const { tf } = engine;
  const { sequences, length, channels, states } = sizesOf(inputs);
  const both = scan(engine, inputs, { withLastState: true });
  const y: Tensor3D = tf.slice(both, [0, 0, 0], [sequences, length, channels]);
  const state: Tensor3D = tf.slice(both, [0, length, 0], [sequences, states, channels]);
  return { y, lastState: tf.transpose(state, [0, 2, 1]) };
}

/** With the last state the result has `states` more rows, because an op with its own gradient has one output. */
function scan(
  engine: Engine,
  { u, delta, deltaBias, aLog, b, c, d }: SelectiveScanInputs,
  { withLastState }: { readonly withLastState: boolean },
): Tensor3D {
  const sizes = sizesOf({ u, delta, deltaBias, aLog, b, c, d });
  const { forward, backward } = engine.habits.hostLoops ? scanByLoop : scanByTensors;
  return differentiable(engine, [u, delta, deltaBias, aLog, b, c, d], {
    forward: (...tensors) => {
      const { y, entering } = forward(engine, { tensors, sizes, withLastState });
      const names = ['u', 'delta', 'deltaBias', 'aLog', 'b', 'c', 'd'] as const;
      const keep = Object.fromEntries(names.map((name, index) => [name, tensors[index]!]));
      return { value: y, keep: { ...(keep as unknown as SelectiveScanInputs), entering } };
    },
    backward: (dy, kept) =>
      backward(engine, {
        tensors: [kept.u, kept.delta, kept.deltaBias, kept.aLog, kept.b, kept.c, kept.d],
        entering: kept.entering,
        dy,
        sizes,
      }),
  });
}

function sizesOf({ u, delta, deltaBias, aLog, b, c, d }: SelectiveScanInputs): ScanSizes {
  const [sequences, length, channels] = u.shape;
  const states = aLog.shape[1];
  const groups = b.shape[2] / states;
  const expected = {
    delta: [sequences, length, channels],
    deltaBias: [channels],
    aLog: [channels, states],
    b: [sequences, length, groups * states],
    c: [sequences, length, groups * states],
    d: [channels],
  };
  const found = { delta, deltaBias, aLog, b, c, d };
  for (const name of Object.keys(expected) as (keyof typeof expected)[]) {
    if (String(found[name].shape) !== String(expected[name])) {
      throw new TypeError(
        `Cannot scan: with u [${u.shape}] and ${states} states ${name} must be [${expected[name]}], found [${found[name].shape}]`,
      );
    }
  }
  if (!Number.isInteger(groups) || !Number.isInteger(channels / groups)) {
    throw new TypeError(
      `Cannot scan: b must have whole groups of ${states} states that divide ${channels} channels, found ${b.shape[2]} columns`,
    );
  }
  return { sequences, length, channels, states, groups };
}
