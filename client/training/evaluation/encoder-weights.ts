import type { AlignmentStage, SlicePretrainingStage, StudyPlan } from '@wardround/protocols/study/plan.ts';
import type { LocalLayers } from '../local-layers.ts';

/** The weights that each stage of the study began and ended with. */
export interface StageModels {
  readonly plan: StudyPlan;
  readonly slices: {
    readonly stage: SlicePretrainingStage;
    readonly initial: Float32Array;
    readonly final: Float32Array;
  };
  /** Null for a study that only pretrains the slice encoder. */
  readonly alignment: {
    readonly stage: AlignmentStage;
    readonly initial: Float32Array;
    readonly final: Float32Array;
  } | null;
}

/** One set of encoders to be measured. */
export interface EncoderWeights {
  readonly slices: Float32Array;
  readonly alignment: { readonly shared: Float32Array; readonly local: LocalLayers } | null;
  /** [slices of the cohort, slice width] under `slices`, when they are known already. */
  readonly sliceEmbeddings?: Float32Array;
}
