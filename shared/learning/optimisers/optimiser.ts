import type { Tensor1D } from '@tensorflow/tfjs-core';
import type { ParameterTensors } from '../parameters.ts';

/** Holds a model's parameters as one flat vector and moves them, so that a step is a few large tensor operations. */
export interface Optimiser {
  /** The current tensors. They are valid until the next step; the optimiser frees them. */
  parameters(): ParameterTensors;
  /** The same as the flat vector they are cut from; valid until the next step. */
  flat(): Tensor1D;
  /** What is remembered from step to step, flat, by PyTorch's names; valid until the next step. */
  memory(): Readonly<Record<string, Tensor1D>>;
  /** Moves the parameters against `gradient`, which is flat in layout order and stays the caller's. */
  step(gradient: Tensor1D, options: { readonly learningRate: number }): void;
  /** The parameters as the flat vector. */
  read(): Promise<Float32Array>;
  dispose(): void;
}
