import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from './differentiable.ts';
import { hostLoop } from './host-loop.ts';

/**
 * The rows of x [rows, width] at `indices`, in their order; an index may repeat. Each row's gradient is the sum over its
 * uses, added where the row came from: an indicator matrix would need rows times indices numbers.
 *
 * @param options.untrainedRow a row that is read like any other but gets no gradient.
 * @throws {RangeError} when an index is not a row of x: engines read on past its end without a word.
 */
export function selectRows(
  engine: Engine,
  x: Tensor2D,
  { indices, untrainedRow }: { readonly indices: ArrayLike<number>; readonly untrainedRow?: number | undefined },
): Tensor2D {
  const { tf, habits } = engine;
  const [rows] = x.shape;
  const positions = Int32Array.from(indices);
  if (positions.some((index) => index < 0 || index >= rows)) {
    throw new RangeError(`Cannot select rows: indices must be from 0 to ${rows - 1}, found one that is not`);
  }
  const places = { positions, untrainedRow, shape: x.shape };
  return differentiable(engine, [x], {
    forward: (all) => ({ value: tf.gather(all, tf.tensor1d(positions, 'int32') as Tensor1D), keep: {} }),
    backward: (dy) => [habits.hostLoops ? addByLoop(engine, dy, places) : addByScatter(engine, dy, places)],
  });
}

interface Places {
  readonly positions: Int32Array;
  readonly untrainedRow: number | undefined;
  readonly shape: [number, number];
}

function addByLoop(engine: Engine, dy: Tensor2D, { positions, untrainedRow, shape }: Places): Tensor2D {
  const [, width] = shape;
  const [gradient] = hostLoop(engine, [dy], {
    shapes: [shape],
    loop: ([rows], [sums]) => {
      sums!.fill(0);
      positions.forEach((position, row) => {
        if (position === untrainedRow) return;
        const [from, to] = [row * width, position * width];
        for (let column = 0; column < width; column += 1) sums![to + column]! += rows![from + column]!;
      });
    },
  });
  return gradient as Tensor2D;
}

function addByScatter({ tf }: Engine, dy: Tensor2D, { positions, untrainedRow, shape }: Places): Tensor2D {
  const trained = tf.tensor2d(
    Float32Array.from(positions, (position) => (position === untrainedRow ? 0 : 1)),
    [positions.length, 1],
  );
  return tf.scatterND(tf.tensor2d(positions, [positions.length, 1], 'int32'), tf.mul(dy, trained), shape);
}
