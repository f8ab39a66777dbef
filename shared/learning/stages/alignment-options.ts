/** What an alignment model is made from: the plan's widths and settings, this site's input widths, and the weights. */
import type { AdamWSettings, AdamWState } from '../optimisers/adamw.ts';

/** The site's own first layers, as flat vectors in layout order; null where the site lacks the modality. */
export interface LocalParameters {
  readonly clinical: Float32Array | null;
  readonly expression: Float32Array | null;
}

export interface AlignmentOptions {
  readonly sliceWidth: number;
  readonly pooling: { readonly width: number; readonly attentionWidth: number };
  readonly embeddingWidth: number;
  readonly clinicalHiddenWidth: number;
  readonly expressionHiddenWidth: number;
  /** Null when the site lacks the modality: its encoder is then neither trained nor used. */
  readonly clinicalInputWidth: number | null;
  readonly expressionInputWidth: number | null;
  readonly temperature: number;
  readonly optimiser: Pick<AdamWSettings, 'beta1' | 'beta2' | 'weightDecay' | 'clipNorm'> & {
    readonly learningRate: number;
    readonly warmUpFraction: number;
  };
  /** The travelling weights in layout order: pooling, clinical, and expression if the study has it. */
  readonly shared: Float32Array;
  readonly local: LocalParameters;
  /** Where a round of the same settings stood, by modality, to go on from there instead of from the weights. */
  readonly from?: Readonly<Record<string, AdamWState>> | undefined;
}
