/** What the two ways of computing a selective scan have in common. */
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine/open-engine.ts';

export interface ScanSizes {
  readonly sequences: number;
  readonly length: number;
  readonly channels: number;
  readonly states: number;
  readonly groups: number;
}

/** u, delta, deltaBias, aLog, b, c, d. */
export type ScanTensors = readonly [Tensor3D, Tensor3D, Tensor1D, Tensor2D, Tensor3D, Tensor3D, Tensor1D];

/** Neither way records gradients: both belong inside an op that carries its own. */
export interface ScanMethod {
  /**
   * y is [sequences, length, channels], or with the last state [sequences, length + states, channels], and `entering` the
   * states [sequences, segments, channels * states] before each segment, in the method's own segments.
   */
  readonly forward: (
    engine: Engine,
    scan: { readonly tensors: ScanTensors; readonly sizes: ScanSizes; readonly withLastState: boolean },
  ) => { readonly y: Tensor3D; readonly entering: Tensor3D };
  /** The gradients of the tensors, in their order; dy has y's shape. */
  readonly backward: (
    engine: Engine,
    scan: {
      readonly tensors: ScanTensors;
      readonly entering: Tensor3D;
      readonly dy: Tensor3D;
      readonly sizes: ScanSizes;
    },
  ) => ScanGradients;
}

export type ScanGradients = readonly [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
