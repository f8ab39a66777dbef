import { createRandom } from '../../../random/seeded-random.ts';
import { initialise } from '../../../tensors/initialise.ts';
import { slicePretrainingLayout } from '../../../tensors/layouts/slice-pretraining.ts';
import { createSlicePretraining } from '../../stages/slice-pretraining.ts';
import type { Engine } from '../open-engine.ts';

const model = { architecture: 'vit_tiny_patch16', projectionWidth: 128 } as const;

/** Slice pretraining from the same start on the same noise each time: `step` takes the next step and gives its loss. */
export function openFixedTraining(
  engine: Engine,
  { slices, imageSizePixels }: { readonly slices: number; readonly imageSizePixels: number },
): { step(): Promise<number>; dispose(): void } {
  const random = createRandom('fixed training');
  const images = Float32Array.from({ length: slices * imageSizePixels ** 2 }, () => random.next());
  const training = createSlicePretraining(engine, {
    ...model,
    imageSizePixels,
    temperature: 0.2,
    optimiser: { learningRate: 1e-4, weightDecay: 0.01, beta1: 0.9, beta2: 0.999, warmUpFraction: 0, clipNorm: 1 },
    seed: 'fixed training',
    parameters: initialise(slicePretrainingLayout({ ...model, imageSizePixels }), 'fixed training'),
  });
  return { step: () => training.step(images, { progress: 0 }), dispose: training.dispose };
}
