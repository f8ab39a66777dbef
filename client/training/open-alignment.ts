import type { AlignmentStage, StudyPlan } from '@wardround/protocols/study/plan.ts';
import type { Engine } from '@wardround/shared/learning/engine/open-engine.ts';
import type { AdamWState } from '@wardround/shared/learning/optimisers/adamw.ts';
import { type Alignment, createAlignment } from '@wardround/shared/learning/stages/alignment.ts';
import { vitSizes } from '@wardround/shared/tensors/layouts/vit.ts';
import type { Cohort } from '../data/cohort.ts';
import type { LocalLayers } from './local-layers.ts';

export interface AlignmentModel {
  readonly plan: StudyPlan;
  readonly stage: AlignmentStage;
  readonly shared: Float32Array;
  readonly local: LocalLayers;
  /** Where a round of the same settings stood, by modality. */
  readonly from?: Readonly<Record<string, AdamWState>> | undefined;
}

/** The alignment model for this site's data. Whoever opens it disposes of it. */
export function openAlignment(
  { engine, cohort }: { engine: Engine; cohort: Cohort },
  { plan, stage, shared, local, from }: AlignmentModel,
): Alignment {
  return createAlignment(engine, {
    sliceWidth: vitSizes(plan.encoders.slice.architecture).width,
    pooling: { width: plan.encoders.pooling.width, attentionWidth: plan.encoders.pooling.attentionWidth },
    embeddingWidth: stage.embeddingWidth,
    clinicalHiddenWidth: plan.encoders.clinical.hiddenWidth,
    expressionHiddenWidth: plan.encoders.expression.hiddenWidth,
    clinicalInputWidth: local.clinical === null ? null : cohort.clinicalInputWidth,
    expressionInputWidth: local.expression === null ? null : cohort.expressionInputWidth,
    temperature: stage.temperature,
    optimiser: stage.optimiser,
    shared,
    local,
    from,
  });
}
