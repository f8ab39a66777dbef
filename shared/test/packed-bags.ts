import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { PackedBags } from '../learning/encoders/attention-pooling.ts';
import type { Engine } from '../learning/engine/open-engine.ts';
import { selectRows } from '../learning/ops/select-rows.ts';

/** Packs padded bags [patients, places, width] by their mask [patients, places]; gradients go back to the bags. */
export function packBags(
  engine: Engine,
  bags: Tensor3D,
  mask: ArrayLike<number>,
): PackedBags & {
  /** Puts attention [patients, slices] back to [patients, places]. */ unpack(attention: Tensor2D): Tensor2D;
} {
  const { tf } = engine;
  const [patients, places, width] = bags.shape;
  const packed = Array.from({ length: patients * places }, (_, index) => index).filter((index) => mask[index] === 1);
  /** [indices, size]; unlike `oneHot`, also for a size of 1. */
  const indicator = (indices: number[], size: number): Tensor2D =>
    tf.tensor2d(
      indices.flatMap((index) => Array.from({ length: size }, (_, column) => Number(column === index))),
      [indices.length, size],
    );
  const owners = packed.map((index) => Math.floor(index / places));
  const placeOf = packed.map((index) => index % places);
  return {
    slices: selectRows(engine, tf.reshape(bags, [patients * places, width]), { indices: packed }),
    membership: tf.transpose(indicator(owners, patients)),
    unpack: (attention) => tf.matMul(attention, indicator(placeOf, places)),
  };
}
