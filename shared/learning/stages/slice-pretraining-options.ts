import type { VitArchitecture } from '../../tensors/layouts/vit.ts';
import type { AdamWState } from '../optimisers/adamw.ts';

/** What one local round of slice pretraining is given. */
export interface SlicePretrainingOptions {
  readonly architecture: VitArchitecture;
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
  /** Where a round of the same settings stood, to go on from there instead of from the parameters. */
  readonly from?: AdamWState | undefined;
  /** How many views pass the encoder at once in a thread: bounds memory. What fits into WebAssembly's unless given. */
  readonly viewsAtOnce?: number | undefined;
  /** Threads to train in; as many as the engine allows and the work is worth unless given. */
  readonly threads?: number | undefined;
}
