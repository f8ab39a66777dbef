import type { Tensor1D } from '@tensorflow/tfjs-core';
import type { PlacedTensor } from '../../tensors/layout.ts';
import type { Engine } from '../engine/open-engine.ts';
import { hostLoop } from '../ops/host-loop.ts';

/** A tensor of a layout and what its numbers must lie between. */
export interface BoundedTensor extends Pick<PlacedTensor, 'offset' | 'size'> {
  readonly lowest: number;
  readonly highest: number;
}

/**
 * The flat vector with the numbers of some tensors moved into their bounds: the projection that keeps a learned
 * temperature usable. The tensors are given in layout order.
 */
export function clampTensors(engine: Engine, flat: Tensor1D, bounded: readonly BoundedTensor[]): Tensor1D {
  const { tf, habits } = engine;
  if (habits.hostLoops) {
    const [clamped] = hostLoop(engine, [flat], {
      shapes: [flat.shape],
      loop: ([values], [result]) => {
        result!.set(values!);
        for (const { offset, size, lowest, highest } of bounded) {
          for (let i = offset; i < offset + size; i += 1) result![i] = Math.min(Math.max(values![i]!, lowest), highest);
        }
      },
    });
    return clamped as Tensor1D;
  }
  return tf.tidy(() => {
    const parts: Tensor1D[] = [];
    let next = 0;
    for (const { offset, size, lowest, highest } of bounded) {
      if (offset > next) parts.push(tf.slice(flat, next, offset - next));
      parts.push(tf.clipByValue(tf.slice(flat, offset, size), lowest, highest));
      next = offset + size;
    }
    if (flat.size > next) parts.push(tf.slice(flat, next, flat.size - next));
    return tf.concat(parts);
  });
}
