import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from './differentiable.ts';

/**
 * The rows of x [rows, width] in another order: row i of the result is row `order[i]`.
 *
 * @throws {RangeError} when the order does not name every row once.
 */
export function permuteRows(engine: Engine, x: Tensor2D, order: Int32Array): Tensor2D {
  const { tf } = engine;
  const back = inverseOrder(order);
  if (order.length !== x.shape[0]) {
    throw new RangeError(`Cannot permute ${x.shape[0]} rows: the order must name each, found ${order.length} places`);
  }
  const take = (rows: Tensor2D, places: Int32Array) => tf.gather(rows, tf.tensor1d(places, 'int32'));
  return differentiable(engine, [x], {
    forward: (rows) => ({ value: take(rows, order), keep: {} }),
    backward: (dy) => [take(dy, back)],
  });
}

/**
 * The order that undoes an order.
 *
 * @throws {RangeError} when it does not name every row once.
 */
export function inverseOrder(order: Int32Array): Int32Array {
  const inverse = new Int32Array(order.length).fill(-1);
  order.forEach((row, place) => {
    if (inverse[row] !== -1) {
      throw new RangeError(
        `Cannot permute rows: the order must name each of ${order.length} rows once, found ${row} again or beyond`,
      );
    }
    inverse[row] = place;
  });
  return inverse;
}
