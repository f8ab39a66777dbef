import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';

/** How many steps a block has. More make fewer levels of blocks, fewer make fewer operations a level. */
const blockLength = 16;

/**
 * All states of h[t] = a[t] h[t-1] + x[t] from h[-1] = `initial`, or from the end to the beginning, h[t] = a[t] h[t+1] +
 * x[t] from h[length] = `initial`. a and x are [sequences, length, width], `initial` is [sequences, width].
 *
 * Blocks of steps run side by side, each from zero; then the blocks' ends, which obey such a recurrence themselves, are
 * computed in the same way and carried into the blocks (Blelloch 1990, "Prefix sums and their applications"). So the
 * number of operations grows with the logarithm of the length, and nothing is divided. Records no gradient.
 */
export function linearRecurrence(
  engine: Engine,
  { a, x, initial }: { readonly a: Tensor3D; readonly x: Tensor3D; readonly initial: Tensor2D },
  { fromEnd = false }: { readonly fromEnd?: boolean } = {},
): Tensor3D {
  const { tf } = engine;
  const [sequences, length, width] = a.shape;
  return tf.tidy(() => {
    if (length <= blockLength) return stepByStep(engine, { a, x, initial, fromEnd, products: false }).states;
    const blocks = Math.ceil(length / blockLength);
    const surplus: [number, number][] = [
      [0, 0],
      [0, blocks * blockLength - length],
      [0, 0],
    ];
    const inBlocks = (tensor: Tensor3D, filler: number): Tensor3D =>
      tf.reshape(surplus[1]![1] === 0 ? tensor : tf.pad(tensor, surplus, filler), [
        sequences * blocks,
        blockLength,
        width,
      ]);
    const local = stepByStep(engine, {
      // Steps that keep the state fill up the last block.
      a: inBlocks(a, 1),
      x: inBlocks(x, 0),
      initial: null,
      fromEnd,
      products: true,
    });
    const ends = linearRecurrence(
      engine,
      {
        a: tf.reshape(local.lastProduct!, [sequences, blocks, width]),
        x: tf.reshape(local.lastState, [sequences, blocks, width]),
        initial,
      },
      { fromEnd },
    );
    const outside: Tensor3D = tf.reshape(initial, [sequences, 1, width]);
    const entering = fromEnd
      ? tf.concat([tf.slice(ends, [0, 1, 0]), outside], 1)
      : tf.concat([outside, tf.slice(ends, [0, 0, 0], [sequences, blocks - 1, width])], 1);
    const carried = tf.mul(local.products!, tf.reshape(entering, [sequences * blocks, 1, width]));
    const states: Tensor3D = tf.reshape(tf.add(local.states, carried), [sequences, blocks * blockLength, width]);
    return surplus[1]![1] === 0 ? states : (tf.slice(states, [0, 0, 0], [sequences, length, width]) as Tensor3D);
  });
}

/** The states one after another and, if asked for, the products of all steps so far. */
function stepByStep(
  { tf }: Engine,
  {
    a,
    x,
    initial,
    fromEnd,
    products,
  }: { a: Tensor3D; x: Tensor3D; initial: Tensor2D | null; fromEnd: boolean; products: boolean },
) {
  const [sequences, length, width] = a.shape;
  const factors: Tensor3D[] = tf.split(a, length, 1);
  const additions: Tensor3D[] = tf.split(x, length, 1);
  const states: Tensor3D[] = [];
  const running: Tensor3D[] = [];
  let state: Tensor3D | null = initial === null ? null : tf.reshape(initial, [sequences, 1, width]);
  let product: Tensor3D | null = null;
  for (let step = 0; step < length; step += 1) {
    const t = fromEnd ? length - 1 - step : step;
    state = state === null ? additions[t]! : tf.add(tf.mul(factors[t]!, state), additions[t]!);
    states[t] = state;
    if (!products) continue;
    product = product === null ? factors[t]! : tf.mul(product, factors[t]!);
    running[t] = product;
  }
  return {
    states: tf.concat(states, 1),
    lastState: state!,
    products: products ? tf.concat(running, 1) : null,
    lastProduct: product,
  };
}
