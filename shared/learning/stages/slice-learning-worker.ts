/** A thread that pretrains on its share of each batch, as one of a team. */
import type { Tensor1D, Tensor3D } from '@tensorflow/tfjs-core';
import { createRandom } from '../../random/seeded-random.ts';
import { slicePretrainingLayout } from '../../tensors/layouts/slice-pretraining.ts';
import { viewsOf } from '../augmentations/slice-views.ts';
import { openEngine } from '../engine/open-engine.ts';
import { readInto } from '../ops/read-into.ts';
import { openExchange } from '../parallel/exchange.ts';
import { gatherRows } from '../parallel/gather-rows.ts';
import { openShardedAdamW } from '../parallel/sharded-adamw.ts';
import { type Share, shareOf } from '../parallel/share.ts';
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

  const random = createRandom(settings.seed);

  const ownViews = ({ slices, step, views }: SliceLearningCommand, share: Share): Tensor3D => {
    const { tf } = engine;
    const pixels = imageSizePixels ** 2;
    const shown = new Float32Array(share.count * pixels);
    for (let index = 0; index < share.count; index += 1) {
      const slice = (share.first + index) % (views / 2);
      shown.set(new Float32Array(slices, 4 * slice * pixels, pixels), index * pixels);
    }
    return tf.tidy(() =>
      viewsOf(engine, tf.tensor3d(shown, [share.count, imageSizePixels, imageSizePixels]), {
        random: random.fork(`step/${step}`),
        share: { ...share, views },
      }),
    );
  };

  const ownGradient = (command: SliceLearningCommand, working: number): { loss: number; gradient: Tensor1D } => {
    const { tf } = engine;
    const share = shareOf(command.views, { member, members: working });
    const exchange = openExchange(command.embeddings, barrier);
    const parameters = loadParameters(engine, layout, optimiser.parameters);
    const views = ownViews(command, share);
    const { value, gradient } = contrastGradient(engine, parameters, {
      views,
      architecture,
      temperature,
      viewsAtOnce,
      gather: (embeddings) => gatherRows(engine, embeddings, { rows: command.views, share, exchange }),
    });
    const [loss] = value.dataSync();
    tf.dispose([views, value]);
    disposeParameters(parameters);
    return { loss: loss!, gradient };
  };

  return (command) => {
    const { learningRate } = command;
    const working = Math.min(members, command.views);
    if (member >= working) {
      // More threads than views: this one only takes part in what all do.
      barrier.wait();
      optimiser.step({ learningRate, working, common });
      return Number.NaN;
    }
    const { loss, gradient } = ownGradient(command, working);
    readInto(engine, gradient, optimiser.gradient);
    gradient.dispose();
    optimiser.step({ learningRate, working, common });
    return loss;
  };
});
