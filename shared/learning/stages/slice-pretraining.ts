/**
 * SimCLR on CT slices (Chen et al. 2020, arXiv 2002.05709): two augmented views of each slice, a vision transformer and a projection
 * head, NT-Xent, AdamW. One object is one local round of one site.
 */
import type { ParameterLayout } from '../../tensors/layout.ts';
import { slicePretrainingLayout } from '../../tensors/layouts/slice-pretraining.ts';
import type { Engine } from '../engine/open-engine.ts';
import { type AdamWState, freshAdamWState } from '../optimisers/adamw.ts';
import { learningRateAt } from '../optimisers/learning-rate-schedule.ts';
import { threadsFor } from '../parallel/threads-for.ts';
import { tokensOf } from './images-at-once.ts';
import type { SliceLearner } from './slice-learner.ts';
import { createSliceLearnerAlone } from './slice-learner-alone.ts';
import { createSliceLearnerTeam } from './slice-learner-team.ts';
import type { SlicePretrainingOptions } from './slice-pretraining-options.ts';

export interface SlicePretraining {
  /**
   * One optimiser step on slices [n, size, size], row after row, with pixels 0..1 and n >= 2. Memory does not grow with n.
   *
   * @param options.progress the share of the whole stage's steps already done, 0 to 1; sets the learning rate.
   * @param options.signal leaves a step that several threads take; one thread ends its step first.
   * @returns the loss before the step; NaN if training has diverged.
   * @throws the signal's reason, or an Error when a thread fails; no further step can be taken then.
   */
  step(
    images: Float32Array,
    options: { readonly progress: number; readonly signal?: AbortSignal | undefined },
  ): Promise<number>;
  /** A copy of the current parameters, in the order they came. */
  parameters(): Promise<Float32Array>;
  /** A copy of all that the next step builds on: another object of the same settings goes on `from` it to the bit. */
  state(): Promise<AdamWState>;
  /** Frees all tensors and ends all threads. The object cannot be used afterwards. */
  dispose(): void;
}

/**
 * Opens one local round of slice pretraining.
 *
 * @throws {TypeError} when the parameters do not fit the layout.
 */
export function createSlicePretraining(engine: Engine, options: SlicePretrainingOptions): SlicePretraining {
  const { imageSizePixels, optimiser: settings } = options;
  requireSize(slicePretrainingLayout(options), options.parameters);
  const start = (options.from?.values ?? options.parameters).slice();
  // Threads are worth starting for large batches only, so the first one decides.
  let learner: SliceLearner | null = null;
  // Each step is one of the optimiser's.
  let steps = options.from?.steps ?? 0;

  return {
    async step(images, { progress, signal }) {
      const learningRate = learningRateAt(progress, settings);
      const slices = countSlices(images, imageSizePixels);
      learner ??= openLearner(engine, { ...options, parameters: start, images: 2 * slices });
      steps += 1;
      return learner.step(images, { step: steps - 1, learningRate, signal });
    },
    parameters: async () => learner?.parameters() ?? start.slice(),
    state: async () => learner?.state() ?? options.from ?? freshAdamWState(start.slice()),
    dispose: () => learner?.dispose(),
  };
}

/** Fewer tokens than this take a thread less time than its own copy of the model costs it. */
const tokensWorthAThread = 256;

function openLearner(engine: Engine, options: SlicePretrainingOptions & { readonly images: number }): SliceLearner {
  const threads =
    options.threads ?? threadsFor(engine, { tokens: options.images * tokensOf(options), tokensWorthAThread });
  return threads === 1
    ? createSliceLearnerAlone(engine, options)
    : createSliceLearnerTeam(engine, { ...options, threads });
}

function requireSize(layout: ParameterLayout, parameters: Float32Array): void {
  if (parameters.length !== layout.size) {
    throw new TypeError(`Cannot pretrain: the layout has ${layout.size} numbers, found ${parameters.length}`);
  }
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
