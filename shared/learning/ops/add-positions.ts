import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { columnSums } from './column-sums.ts';
import { differentiable } from './differentiable.ts';

/**
 * Adds row t of a table [positions, width] to token t of every sequence in x [sequences * tokens, width]. The table may
 * have more rows than a sequence has tokens; these get the gradient zero.
 *
 * @throws {RangeError} when a sequence has more tokens than the table has rows.
 */
export function addPositions(
  engine: Engine,
  x: Tensor2D,
  { table, sequences }: { readonly table: Tensor2D; readonly sequences: number },
): Tensor2D {
  const { tf } = engine;
  const [rows, width] = x.shape;
  const [positions] = table.shape;
  const tokens = rows / sequences;
  if (!Number.isInteger(tokens) || tokens > positions) {
    throw new RangeError(
      `Cannot add positions: ${rows} rows must be ${sequences} sequences of at most ${positions} tokens, which is what the position table has`,
    );
  }
  return differentiable(engine, [x, table], {
    forward: (input, all) => {
      // One long row a sequence: adding a row to a matrix is what every engine does fast.
      const used = tf.reshape(tf.slice(all, [0, 0], [tokens, width]), [1, tokens * width]);
      const added = tf.add(tf.reshape(input, [sequences, tokens * width]), used);
      return { value: tf.reshape(added, [rows, width]) as Tensor2D, keep: {} };
    },
    backward: (dy) => {
      const used: Tensor1D = columnSums(engine, tf.reshape(dy, [sequences, tokens * width]));
      const unused: [number, number] = [0, positions - tokens];
      return [dy.clone(), tf.pad(tf.reshape(used, [tokens, width]), [unused, [0, 0]]) as Tensor2D];
    },
  });
}
