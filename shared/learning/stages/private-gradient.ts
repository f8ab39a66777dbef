/**
 * SimCLR's gradient under patient-level differential privacy. A contrastive loss couples the patients of a batch: one more
 * patient changes every other patient's gradient, so clipping patient by patient would bound nothing. Here the loss stays
 * inside groups and a group's gradient is clipped as a whole; shared/privacy/README.md proves what that bounds.
 */
import type { Tensor3D } from '@tensorflow/tfjs-core';
import type { ClippedSum } from '../../privacy/clipped-sum.ts';
import type { SeededRandom } from '../../random/seeded-random.ts';
import { sliceViews } from '../augmentations/slice-views.ts';
import type { Engine } from '../engine/open-engine.ts';
import type { ParameterTensors } from '../parameters.ts';
import { contrastGradient } from './contrast-gradient.ts';
import type { SlicePretrainingOptions } from './slice-pretraining-options.ts';

/** Fewer have nothing to be contrasted with: the group's gradient is zero. */
const FEWEST_SLICES = 2;

export interface PrivateGradientOptions
  extends Pick<SlicePretrainingOptions, 'architecture' | 'imageSizePixels' | 'temperature' | 'viewsAtOnce'> {
  /** Each group's augmentations are drawn from a generator of its own, so that no other group's depend on who is in it. */
  readonly random: SeededRandom;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Adds each group's gradient to the sum, one group after another.
 *
 * @param groups each group's slices [n, size, size], row after row, with pixels 0..1; empty ones are skipped.
 */
export async function addGroupGradients(
  engine: Engine,
  {
    parameters,
    groups,
    sum,
  }: {
    readonly parameters: ParameterTensors;
    readonly groups: Iterable<Float32Array>;
    readonly sum: Pick<ClippedSum, 'add'>;
  },
  { imageSizePixels, random, signal, ...contrast }: PrivateGradientOptions,
): Promise<void> {
  const { tf } = engine;
  let index = 0;
  for (const images of groups) {
    signal?.throwIfAborted();
    const ownRandom = random.fork(`group/${index}`);
    index += 1;
    const slices = images.length / imageSizePixels ** 2;
    if (!Number.isInteger(slices)) {
      throw new TypeError(
        `Cannot take a step: the images must hold whole slices of ${imageSizePixels} x ${imageSizePixels} pixels, found ${images.length} numbers`,
      );
    }
    if (slices < FEWEST_SLICES) continue;
    const { value, gradient } = tf.tidy(() => {
      const originals: Tensor3D = tf.tensor3d(images, [slices, imageSizePixels, imageSizePixels]);
      return contrastGradient(engine, parameters, { ...contrast, views: sliceViews(engine, originals, ownRandom) });
    });
    try {
      sum.add(await gradient.data<'float32'>());
    } finally {
      tf.dispose([value, gradient]);
    }
  }
}
