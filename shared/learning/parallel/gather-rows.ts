import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';
import { differentiable } from '../ops/differentiable.ts';
import type { Exchange } from './exchange.ts';
import type { Share } from './share.ts';

/**
 * All members' rows [rows, width] from this member's own [share.count, width], so that each member computes a loss over
 * the whole batch and only its own part of the encoder's gradient. Every member must gather as often as the others;
 * each waits here until all have come.
 */
export function gatherRows(
  engine: Engine,
  own: Tensor2D,
  { rows, share, exchange }: { readonly rows: number; readonly share: Share; readonly exchange: Exchange },
): Tensor2D {
  const { tf } = engine;
  const [count, width] = own.shape;
  if (count !== share.count) {
    throw new TypeError(`Cannot gather rows: this member's share has ${share.count}, found ${count}`);
  }
  return differentiable(engine, [own], {
    forward: (mine) => {
      const all = exchange(mine.dataSync<'float32'>(), { offset: share.first * width, total: rows * width });
      return { value: tf.tensor2d(all, [rows, width]), keep: {} };
    },
    // What the loss says of the other members' rows, they compute themselves.
    backward: (dy) => [tf.slice(dy, [share.first, 0], [count, width])],
  });
}
