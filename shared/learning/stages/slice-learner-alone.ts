import { slicePretrainingLayout } from '../../tensors/layouts/slice-pretraining.ts';
import type { Engine } from '../engine/open-engine.ts';
import { createAdamW } from '../optimisers/adamw.ts';
import { contrastGradient } from './contrast-gradient.ts';
import type { SliceLearner } from './slice-learner.ts';
import type { SlicePretrainingOptions } from './slice-pretraining-options.ts';

/** Learns on the engine itself, in this thread. */
export function createSliceLearnerAlone(engine: Engine, options: SlicePretrainingOptions): SliceLearner {
  const { architecture, temperature, viewsAtOnce } = options;
  const layout = slicePretrainingLayout(options);
  const optimiser = createAdamW(engine, layout, { ...options.optimiser, values: options.parameters });
  return {
    async step(views, { learningRate }) {
      const { value, gradient } = contrastGradient(engine, optimiser.parameters(), {
        views,
        architecture,
        temperature,
        viewsAtOnce,
      });
      optimiser.step(gradient, { learningRate });
      gradient.dispose();
      const [loss] = await value.data();
      value.dispose();
      return loss!;
    },
    parameters: optimiser.read,
    dispose: optimiser.dispose,
  };
}
