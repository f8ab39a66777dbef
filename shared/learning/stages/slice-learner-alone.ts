import type { Tensor3D } from '@tensorflow/tfjs-core';
import { createRandom } from '../../random/seeded-random.ts';
import { slicePretrainingLayout } from '../../tensors/layouts/slice-pretraining.ts';
import { sliceViews } from '../augmentations/slice-views.ts';
import type { Engine } from '../engine/open-engine.ts';
import { createAdamW } from '../optimisers/adamw.ts';
import { contrastGradient } from './contrast-gradient.ts';
import type { SliceLearner } from './slice-learner.ts';
import type { SlicePretrainingOptions } from './slice-pretraining-options.ts';

/** Learns on the engine itself, in this thread. */
export function createSliceLearnerAlone(engine: Engine, options: SlicePretrainingOptions): SliceLearner {
  const { architecture, imageSizePixels, temperature, viewsAtOnce } = options;
  const random = createRandom(options.seed);
  const layout = slicePretrainingLayout(options);
  const optimiser = createAdamW(engine, layout, {
    ...options.optimiser,
    values: options.parameters,
    from: options.from,
  });
  return {
    async step(slices, { step, learningRate }) {
      const { tf } = engine;
      const views = tf.tidy(() => {
        const shape = [slices.length / imageSizePixels ** 2, imageSizePixels, imageSizePixels] as const;
        const originals: Tensor3D = tf.tensor3d(slices, [...shape]);
        return sliceViews(engine, originals, random.fork(`step/${step}`));
      });
      const { value, gradient } = contrastGradient(engine, optimiser.parameters(), {
        views,
        architecture,
        temperature,
        viewsAtOnce,
      });
      views.dispose();
      optimiser.step(gradient, { learningRate });
      gradient.dispose();
      const [loss] = await value.data();
      value.dispose();
      return loss!;
    },
    parameters: optimiser.read,
    state: optimiser.state,
    dispose: optimiser.dispose,
  };
}
