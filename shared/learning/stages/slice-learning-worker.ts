/** A thread that pretrains on its share of each batch, as one of a team. */
import type { Tensor1D } from '@tensorflow/tfjs-core';
import { slicePretrainingLayout } from '../../tensors/layouts/slice-pretraining.ts';
import { openEngine } from '../engine/open-engine.ts';
import { hostLoop } from '../ops/host-loop.ts';
import { openExchange } from '../parallel/exchange.ts';
import { gatherRows } from '../parallel/gather-rows.ts';
import { openShardedAdamW } from '../parallel/sharded-adamw.ts';
import { shareOf } from '../parallel/share.ts';
import { joinTeam } from '../parallel/team-member.ts';
import { disposeParameters, loadParameters } from '../parameters.ts';
import { contrastGradient } from './contrast-gradient.ts';
import type { SliceLearningCommand, SliceLearningData } from './slice-learning-messages.ts';

joinTeam<SliceLearningData, SliceLearningCommand, number>(async ({ data, ...team }) => {
  const { settings, memory } = data;
  const { architecture, imageSizePixels, temperature, viewsAtOnce } = settings;
  const { member, members, barrier } = team;
  const engine = await openEngine({ prefer: [data.engine], threads: data.threads });
  const layout = slicePretrainingLayout(settings);
  const optimiser = openShardedAdamW(memory, { layout, settings: settings.optimiser, ...team });
  // Every thread computes the head's gradient of the whole batch.
  const common = layout.tensors.find(({ name }) => name.startsWith('head.'))!.offset;

  const ownGradient = (command: SliceLearningCommand, working: number): { loss: number; gradient: Tensor1D } => {
    const { tf } = engine;
    const share = shareOf(command.count, { member, members: working });
    const exchange = openExchange(command.embeddings, barrier);
    const pixels = imageSizePixels ** 2;
    const parameters = loadParameters(engine, layout, optimiser.parameters);
    const own = new Float32Array(command.views, 4 * share.first * pixels, share.count * pixels);
    const views = tf.tensor3d(own.slice(), [share.count, imageSizePixels, imageSizePixels]);
    const { value, gradient } = contrastGradient(engine, parameters, {
      views,
      architecture,
      temperature,
      viewsAtOnce,
      gather: (embeddings) => gatherRows(engine, embeddings, { rows: command.count, share, exchange }),
    });
    const [loss] = value.dataSync();
    tf.dispose([views, value]);
    disposeParameters(parameters);
    return { loss: loss!, gradient };
  };

  return (command) => {
    const { count, learningRate } = command;
    const working = Math.min(members, count);
    if (member >= working) {
      // More threads than views: this one only takes part in what all do.
      barrier.wait();
      optimiser.step({ learningRate, working, common });
      return Number.NaN;
    }
    const { loss, gradient } = ownGradient(command, working);
    hostLoop(engine, [gradient], {
      shapes: [],
      loop: ([numbers]) => optimiser.give(numbers!),
    });
    gradient.dispose();
    optimiser.step({ learningRate, working, common });
    return loss;
  };
});
