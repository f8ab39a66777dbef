import type { Tensor1D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { addToChannels } from './add-to-channels.ts';
import { differentiable } from './differentiable.ts';
import { hostLoop } from './host-loop.ts';

/**
 * A convolution of each channel along its sequence that sees the token itself and those before it: PyTorch's depthwise
 * Conv1d with kernel - 1 zeros before the sequence. x [sequences, length, channels], weight [channels, 1, kernel] (its
 * last number meets the token itself), bias [channels] -> x's shape.
 */
export function causalConvolution(
  engine: Engine,
  x: Tensor3D,
  { weight, bias }: { readonly weight: Tensor3D; readonly bias: Tensor1D },
): Tensor3D {
  const channels = x.shape[2];
  if (weight.shape[0] !== channels || weight.shape[1] !== 1) {
    throw new TypeError(
      `Cannot convolve causally: the weight must be [${channels}, 1, kernel] for ${channels} channels, found [${weight.shape}]`,
    );
  }
  const convolve = engine.habits.hostLoops ? byHostLoop : byShifts;
  const y = differentiable(engine, [x, weight], {
    forward: (tokens, taps) => ({ value: convolve.forward(engine, tokens, taps), keep: { tokens, taps } }),
    backward: (dy, { tokens, taps }) => convolve.backward(engine, { dy, x: tokens, weight: taps }),
  });
  return addToChannels(engine, y, bias);
}

interface WayBack {
  readonly dy: Tensor3D;
  readonly x: Tensor3D;
  readonly weight: Tensor3D;
}

/** Loops over channels innermost, because a token's channels lie side by side. */
const byHostLoop = {
  forward: (engine: Engine, x: Tensor3D, weight: Tensor3D): Tensor3D =>
    hostLoop(engine, [x, weight], {
      shapes: [x.shape],
      loop: ([tokens, taps], [y]) => {
        y!.fill(0);
        const { channels, kernel, byTap } = tapsOf(weight, taps!);
        forEachReach(x, kernel, (output, input, tap) => {
          for (let channel = 0; channel < channels; channel += 1) {
            y![output + channel] = y![output + channel]! + byTap[tap + channel]! * tokens![input + channel]!;
          }
        });
      },
    })[0] as Tensor3D,
  backward: (engine: Engine, { dy, x, weight }: WayBack): [Tensor3D, Tensor3D] =>
    hostLoop(engine, [dy, x, weight], {
      shapes: [x.shape, weight.shape],
      loop: ([gradient, tokens, taps], [dx, dTaps]) => {
        dx!.fill(0);
        const { channels, kernel, byTap } = tapsOf(weight, taps!);
        const sums = new Float64Array(byTap.length);
        forEachReach(x, kernel, (output, input, tap) => {
          for (let channel = 0; channel < channels; channel += 1) {
            const slope = gradient![output + channel]!;
            dx![input + channel] = dx![input + channel]! + byTap[tap + channel]! * slope;
            sums[tap + channel] = sums[tap + channel]! + tokens![input + channel]! * slope;
          }
        });
        for (let index = 0; index < sums.length; index += 1) {
          dTaps![(index % channels) * kernel + Math.floor(index / channels)] = sums[index]!;
        }
      },
    }) as [Tensor3D, Tensor3D],
};

/** The weight as [kernel, channels]. */
function tapsOf(weight: Tensor3D, taps: Float32Array) {
  const [channels, , kernel] = weight.shape;
  const byTap = Float32Array.from(
    { length: taps.length },
    (_, index) => taps[(index % channels) * kernel + Math.floor(index / channels)]!,
  );
  return { channels, kernel, byTap };
}

/** Visits each token with each token that it sees: where their channels begin, and where those of the tap between them. */
function forEachReach(
  { shape: [sequences, length, channels] }: Tensor3D,
  kernel: number,
  visit: (output: number, input: number, tap: number) => void,
): void {
  for (let sequence = 0; sequence < sequences; sequence += 1) {
    for (let t = 0; t < length; t += 1) {
      const output = (sequence * length + t) * channels;
      for (let tap = Math.max(0, kernel - 1 - t); tap < kernel; tap += 1) {
        visit(output, output - (kernel - 1 - tap) * channels, tap * channels);
      }
    }
  }
}

/** One product of shifted sequences for each tap. */
const byShifts = {
  forward: ({ tf }: Engine, x: Tensor3D, weight: Tensor3D): Tensor3D => {
    const shifted = shiftsOf(tf, { x, kernel: weight.shape[2] });
    return tf.addN(rowsOf(tf, weight).map((row, tap) => tf.mul(shifted(tap), row)));
  },
  backward: ({ tf }: Engine, { dy, x, weight }: WayBack): [Tensor3D, Tensor3D] => {
    const [, length, channels] = x.shape;
    const kernel = weight.shape[2];
    const shifted = shiftsOf(tf, { x, kernel });
    const taps = rowsOf(tf, weight);
    const after = tf.pad(dy, [
      [0, 0],
      [0, kernel - 1],
      [0, 0],
    ]);
    const dx = tf.addN(
      taps.map((row, tap) => tf.mul(tf.slice(after, [0, kernel - 1 - tap, 0], [-1, length, -1]), row)),
    );
    const sums = taps.map((_, tap) => tf.reshape(tf.sum(tf.mul(dy, shifted(tap)), [0, 1]), [channels, 1, 1]));
    return [dx as Tensor3D, tf.concat(sums, 2) as Tensor3D];
  },
};

/** The sequence as each tap sees it. */
function shiftsOf(tf: Engine['tf'], { x, kernel }: { x: Tensor3D; kernel: number }): (tap: number) => Tensor3D {
  const before = tf.pad(x, [
    [0, 0],
    [kernel - 1, 0],
    [0, 0],
  ]);
  return (tap) => tf.slice(before, [0, tap, 0], [-1, x.shape[1], -1]) as Tensor3D;
}

/** The weight's numbers for each tap, [channels]. */
function rowsOf(tf: Engine['tf'], weight: Tensor3D): Tensor1D[] {
  return tf.split(weight, weight.shape[2], 2).map((tap) => tf.reshape(tap, [weight.shape[0]]));
}
