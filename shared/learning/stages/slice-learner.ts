import type { AdamWState } from '../optimisers/adamw.ts';

/** What moves the parameters of slice pretraining: one thread, or a team of them. */
export interface SliceLearner {
  /**
   * One optimiser step on two random views of each slice [n, size, size]. Gives the loss before the step.
   *
   * @param options.step from 0; with the seed it says which views are drawn.
   * @throws the signal's reason when it aborts and the step can be left; the learner cannot be used afterwards.
   */
  step(
    slices: Float32Array,
    options: { readonly step: number; readonly learningRate: number; readonly signal?: AbortSignal | undefined },
  ): Promise<number>;
  /** A copy of the parameters as they stand. */
  parameters(): Promise<Float32Array>;
  /** A copy of all that the next step builds on. */
  state(): Promise<AdamWState>;
  dispose(): void;
}
