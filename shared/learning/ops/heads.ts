/** Between attention's wide rows and its heads' own matrices. Records no gradient. */
import type { Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { hostLoop } from './host-loop.ts';
import { fusedOperation, hasFusedOperations } from './tensorflow-operation.ts';

interface Heads {
  readonly sequences: number;
  readonly heads: number;
}

/** [sequences * tokens, heads * headWidth] -> [heads * sequences, tokens, headWidth] */
export function splitHeads(engine: Engine, x: Tensor2D, { sequences, heads }: Heads): Tensor3D {
  const { tf } = engine;
  if (hasFusedOperations(engine)) {
    return fusedOperation(engine, 'SplitHeads', [x, tf.tensor1d([sequences, heads])])[0] as Tensor3D;
  }
  const [rows, columns] = x.shape;
  const apart: Tensor4D = tf.reshape(x, [sequences, rows / sequences, heads, columns / heads]);
  return tf.reshape(tf.transpose(apart, [2, 0, 1, 3]), [heads * sequences, rows / sequences, columns / heads]);
}

/** [heads * sequences, tokens, headWidth] -> [sequences * tokens, heads * headWidth] */
export function mergeHeads(engine: Engine, x: Tensor3D, { sequences, heads }: Heads): Tensor2D {
  const { tf } = engine;
  if (hasFusedOperations(engine)) {
    return fusedOperation(engine, 'MergeHeads', [x, tf.tensor1d([sequences, heads])])[0] as Tensor2D;
  }
  const [, tokens, headWidth] = x.shape;
  const apart: Tensor4D = tf.reshape(x, [heads, sequences, tokens, headWidth]);
  return tf.reshape(tf.transpose(apart, [1, 2, 0, 3]), [sequences * tokens, heads * headWidth]);
}

type Three = readonly [Tensor3D, Tensor3D, Tensor3D];

/** Queries, keys and values, each as its heads, from the rows that hold them side by side. */
export function splitThreeHeads(engine: Engine, x: Tensor2D, { sequences, heads }: Heads): Three {
  if (hasFusedOperations(engine)) {
    return fusedOperation(engine, 'SplitThreeHeads', [x, engine.tf.tensor1d([sequences, heads])]) as unknown as Three;
  }
  return splitInThree(engine, splitHeads(engine, x, { sequences, heads: 3 * heads }));
}

/** The way back from the gradients of the three. */
export function mergeThreeHeads(engine: Engine, three: Three, { sequences, heads }: Heads): Tensor2D {
  const { tf } = engine;
  if (hasFusedOperations(engine)) {
    return fusedOperation(engine, 'MergeThreeHeads', [...three, tf.tensor1d([sequences, heads])])[0] as Tensor2D;
  }
  return mergeHeads(engine, tf.concat([...three], 0), { sequences, heads: 3 * heads });
}

function splitInThree(engine: Engine, stack: Tensor3D): [Tensor3D, Tensor3D, Tensor3D] {
  if (!engine.habits.hostLoops) return engine.tf.split(stack, 3, 0) as [Tensor3D, Tensor3D, Tensor3D];
  const third = [stack.shape[0] / 3, stack.shape[1], stack.shape[2]];
  return hostLoop(engine, [stack], {
    shapes: [third, third, third],
    loop: ([all], thirds) => {
      thirds.forEach((values, index) => {
        values.set(all!.subarray(index * values.length, (index + 1) * values.length));
      });
    },
  }) as [Tensor3D, Tensor3D, Tensor3D];
}
