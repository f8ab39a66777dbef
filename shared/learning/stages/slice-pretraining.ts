/**
 * SimCLR on CT slices (Chen et al. 2020, arXiv 2002.05709): two augmented views of each slice, ViT-Tiny/16 and a projection
 * head, NT-Xent, AdamW. One object is one local round of one site.
 */
import type { Tensor3D } from '@tensorflow/tfjs-core';
import { createRandom } from '../../random/seeded-random.ts';
import { slicePretrainingLayout } from '../../tensors/layouts/slice-pretraining.ts';
import { sliceViews } from '../augmentations/slice-views.ts';
import { projectionHead } from '../encoders/projection-head.ts';
import { sliceEmbedding } from '../encoders/slice-encoder.ts';
import type { Engine } from '../engine/open-engine.ts';
import { ntXent } from '../objectives/nt-xent.ts';
import { createAdamW } from '../optimisers/adamw.ts';
import { cachedGradient } from '../optimisers/cached-gradient.ts';
import { learningRateAt } from '../optimisers/learning-rate-schedule.ts';
import { imagesAtOnce } from './images-at-once.ts';

export interface SlicePretrainingOptions {
  readonly imageSizePixels: number;
  /** Output width of the projection head. */
  readonly projectionWidth: number;
  readonly temperature: number;
  readonly optimiser: {
    readonly learningRate: number;
    readonly weightDecay: number;
    readonly beta1: number;
    readonly beta2: number;
    /** Share of the stage's steps over which the learning rate rises. */
    readonly warmUpFraction: number;
    readonly clipNorm: number;
  };
  /** Seeds the augmentations. */
  readonly seed: number | string;
  /** The slice encoder's parameters, then the head's, in layout order. Not changed. */
  readonly parameters: Float32Array;
}

export interface SlicePretraining {
  /**
   * One optimiser step on slices [n, size, size], row after row, with pixels 0..1 and n >= 2. Memory does not grow with n.
   *
   * @param options.progress the share of the whole stage's steps already done, 0 to 1; sets the learning rate.
   * @returns the loss before the step; NaN if training has diverged.
   */
  step(images: Float32Array, options: { readonly progress: number }): Promise<number>;
  /** A copy of the current parameters, in the order they came. */
  parameters(): Promise<Float32Array>;
  /** Frees all tensors. The object cannot be used afterwards. */
  dispose(): void;
}

/**
 * Opens one local round of slice pretraining.
 *
 * @throws {TypeError} when the parameters do not fit the layout.
 */
export function createSlicePretraining(engine: Engine, options: SlicePretrainingOptions): SlicePretraining {
  const { tf } = engine;
  const { imageSizePixels, temperature, optimiser: settings } = options;
  const layout = slicePretrainingLayout(options);
  const optimiser = createAdamW(engine, layout, { ...settings, values: options.parameters });
  const random = createRandom(options.seed);
  let steps = 0;

  return {
    async step(images, { progress }) {
      const learningRate = learningRateAt(progress, settings);
      const slices = countSlices(images, imageSizePixels);
      const views = tf.tidy(() => {
        const originals: Tensor3D = tf.tensor3d(images, [slices, imageSizePixels, imageSizePixels]);
        return sliceViews(engine, originals, random.fork(`step/${steps}`));
      });
      steps += 1;
      const parameters = optimiser.parameters();
      const { value, gradient } = cachedGradient(engine, parameters, {
        inputs: views,
        inputsAtOnce: imagesAtOnce(imageSizePixels),
        encode: (part) => sliceEmbedding(engine, part, parameters),
        loss: (embeddings) => ntXent(engine, projectionHead(engine, embeddings, parameters), { temperature }),
      });
      optimiser.step(gradient, { learningRate });
      tf.dispose([views, gradient]);
      const [loss] = await value.data();
      value.dispose();
      return loss!;
    },
    parameters: optimiser.read,
    dispose: optimiser.dispose,
  };
}

function countSlices(images: Float32Array, imageSizePixels: number): number {
  const slices = images.length / imageSizePixels ** 2;
  if (!Number.isInteger(slices)) {
    throw new TypeError(
      `Cannot take a step: the images must hold whole slices of ${imageSizePixels} x ${imageSizePixels} pixels, found ${images.length} numbers`,
    );
  }
  if (slices < 2) {
    throw new RangeError(`Cannot take a step: at least two slices are needed to contrast, found ${slices}`);
  }
  return slices;
}
