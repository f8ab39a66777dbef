import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from './differentiable.ts';
import { hostLoop } from './host-loop.ts';

/**
 * PyTorch's Embedding: the rows of a table [entries, width] at `ids`, [ids, width]. The row of `paddingId` is read like any
 * other but gets no gradient (`padding_idx`).
 *
 * The gradient adds each row where it came from. An indicator matrix would need vocabulary times tokens numbers.
 *
 * @throws {RangeError} when an id is not a row of the table: engines read on past its end without a word.
 */
export function embedding(
  engine: Engine,
  table: Tensor2D,
  { ids, paddingId }: { readonly ids: Int32Array; readonly paddingId?: number },
): Tensor2D {
  const { tf, habits } = engine;
  const [entries] = table.shape;
  if (ids.some((id) => id < 0 || id >= entries)) {
    throw new RangeError(`Cannot look up embeddings: ids must be from 0 to ${entries - 1}, found one that is not`);
  }
  const places = { ids, paddingId, shape: table.shape };
  return differentiable(engine, [table], {
    forward: (rows) => ({ value: tf.gather(rows, tf.tensor1d(ids, 'int32') as Tensor1D), keep: {} }),
    backward: (dy) => [habits.hostLoops ? addByLoop(engine, dy, places) : addByScatter(engine, dy, places)],
  });
}

interface Places {
  readonly ids: Int32Array;
  readonly paddingId: number | undefined;
  readonly shape: [number, number];
}

function addByLoop(engine: Engine, dy: Tensor2D, { ids, paddingId, shape }: Places): Tensor2D {
  const [, width] = shape;
  const [gradient] = hostLoop(engine, [dy], {
    shapes: [shape],
    loop: ([rows], [sums]) => {
      sums!.fill(0);
      ids.forEach((id, row) => {
        if (id === paddingId) return;
        const [from, to] = [row * width, id * width];
        for (let column = 0; column < width; column += 1) sums![to + column]! += rows![from + column]!;
      });
    },
  });
  return gradient as Tensor2D;
}

function addByScatter({ tf }: Engine, dy: Tensor2D, { ids, paddingId, shape }: Places): Tensor2D {
  const kept = tf.tensor2d(
    Float32Array.from(ids, (id) => (id === paddingId ? 0 : 1)),
    [ids.length, 1],
  );
  return tf.scatterND(tf.tensor2d(ids, [ids.length, 1], 'int32'), tf.mul(dy, kept), shape);
}
