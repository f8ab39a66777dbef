import type { Tensor3D } from '@tensorflow/tfjs-core';

/** What moves the parameters of slice pretraining: one thread, or a team of them. */
export interface SliceLearner {
  /**
   * One optimiser step on the views of a batch [2n, size, size], which stay the caller's. Gives the loss before the step.
   *
   * @throws the signal's reason when it aborts and the step can be left; the learner cannot be used afterwards.
   */
  step(
    views: Tensor3D,
    options: { readonly learningRate: number; readonly signal?: AbortSignal | undefined },
  ): Promise<number>;
  /** A copy of the parameters as they stand. */
  parameters(): Promise<Float32Array>;
  dispose(): void;
}
