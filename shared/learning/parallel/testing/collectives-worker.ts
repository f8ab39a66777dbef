/** A member for the tests of what a team does together, well and badly. */
import type { Scalar, Tensor2D } from '@tensorflow/tfjs-core';
import { createLayout } from '../../../tensors/layout.ts';
import { type EngineKind, openEngine } from '../../engine/open-engine.ts';
import type { AdamWSettings } from '../../optimisers/adamw.ts';
import { flatGradient } from '../../optimisers/flat-gradient.ts';
import { openExchange } from '../exchange.ts';
import { gatherRows } from '../gather-rows.ts';
import { openShardedAdamW, type ShardedAdamW, type ShardedMemory } from '../sharded-adamw.ts';
import { shareOf } from '../share.ts';
import { joinTeam } from '../team-member.ts';

export interface CollectivesData {
  readonly engine: EngineKind;
  readonly exchange: SharedArrayBuffer;
  readonly adamW?: { readonly size: number; readonly settings: AdamWSettings; readonly memory: ShardedMemory };
}

export type CollectivesCommand =
  /** Gathers the member's share of `rows`, and differentiates the sum of the gathered rows times `weights`. */
  | { readonly kind: 'gather'; readonly rows: number; readonly width: number; readonly weights: Float32Array }
  | {
      readonly kind: 'optimise';
      readonly gradient: Float32Array | null;
      readonly learningRate: number;
      readonly working: number;
      readonly common: number;
    }
  | { readonly kind: 'meet' | 'throw' | 'exit' | 'stay-away' };

export interface CollectivesAnswer {
  readonly gathered?: Float32Array;
  readonly gradient?: Float32Array;
}

/** The gathered matrix is to hold 0, 1, 2, ...: each member puts in its share of them. */
function gather(
  { engine, exchange }: { engine: Awaited<ReturnType<typeof openEngine>>; exchange: ReturnType<typeof openExchange> },
  { rows, width, weights }: Extract<CollectivesCommand, { kind: 'gather' }>,
  place: { member: number; members: number },
): CollectivesAnswer {
  const { tf } = engine;
  const share = shareOf(rows, place);
  const before = tf.memory().numTensors;
  const own: Tensor2D = tf.tensor2d(
    Float32Array.from({ length: share.count * width }, (_, index) => share.first * width + index),
    [share.count, width],
  );
  const factors = tf.tensor2d(weights, [rows, width]);
  let gathered = new Float32Array(0);
  const { value, gradient } = flatGradient(engine, new Map([['own', own]]), {
    compute: () => {
      const all = gatherRows(engine, own, { rows, share, exchange });
      gathered = Float32Array.from(all.dataSync());
      return tf.sum(tf.mul(all, factors)) as Scalar;
    },
  });
  const result = { gathered, gradient: Float32Array.from(gradient.dataSync()) };
  tf.dispose([own, factors, value, gradient]);
  if (tf.memory().numTensors !== before) throw new Error('Cannot gather: tensors were left behind.');
  return result;
}

joinTeam<CollectivesData, CollectivesCommand, CollectivesAnswer>(async ({ member, members, barrier, data }) => {
  const engine = await openEngine({ prefer: [data.engine] });
  const exchange = openExchange(data.exchange, barrier);
  let optimiser: ShardedAdamW | undefined;
  if (data.adamW !== undefined) {
    const { size, settings, memory } = data.adamW;
    const layout = createLayout([{ name: 'all', shape: [size, 1], initialiser: { kind: 'zeros' }, group: 'test' }]);
    optimiser = openShardedAdamW(memory, { layout, settings, member, members, barrier });
  }
  return (command) => {
    switch (command.kind) {
      case 'gather':
        return gather({ engine, exchange }, command, { member, members });
      case 'optimise':
        if (command.gradient !== null) optimiser!.gradient.set(command.gradient);
        optimiser!.step(command);
        return {};
      case 'meet':
        barrier.wait();
        return {};
      case 'throw':
        throw new RangeError('Cannot do what the test asked for');
      case 'exit':
        return process.exit(3);
      case 'stay-away':
        return new Promise(() => {});
      default:
        throw command satisfies never;
    }
  };
});
