/** What of a stage's model travels between sites and coordinator, how it starts and how its updates are coded. */
import { initialise, initialisePieces } from '@wardround/shared/tensors/initialise.ts';
import { createLayout, type ParameterLayout } from '@wardround/shared/tensors/layout.ts';
import { clinicalSharedLayout } from '@wardround/shared/tensors/layouts/clinical.ts';
import { expressionSharedLayout } from '@wardround/shared/tensors/layouts/expression.ts';
import { gatedAttentionLayout } from '@wardround/shared/tensors/layouts/gated-attention.ts';
import { slicePretrainingLayout } from '@wardround/shared/tensors/layouts/slice-pretraining.ts';
import { vitSizes } from '@wardround/shared/tensors/layouts/vit.ts';
import { type UpdateCode, updateCodeScale } from '../transfer/update-code.ts';
import { codeBitsOf, type Stage, type StudyPlan } from './plan.ts';

/**
 * The travelling tensors of a stage. Pretraining: the slice encoder, then its projection head, group `slice`. Alignment:
 * attention pooling (group `image`), the clinical encoder's shared part (`clinical`) and, when the plan has expression
 * data, the expression encoder's (`expression`).
 */
export function stageLayout(plan: StudyPlan, stage: Stage): ParameterLayout {
  switch (stage.kind) {
    case 'slice-pretraining':
      return slicePretrainingLayout({
        architecture: plan.encoders.slice.architecture,
        imageSizePixels: plan.imaging.sizePixels,
        projectionWidth: plan.encoders.slice.projectionWidth,
      });
    case 'alignment': {
      const { pooling, clinical, expression } = plan.encoders;
      const { embeddingWidth } = stage;
      const parts = [
        gatedAttentionLayout({
          sliceWidth: vitSizes(plan.encoders.slice.architecture).width,
          width: pooling.width,
          attentionWidth: pooling.attentionWidth,
          embeddingWidth,
        }),
        clinicalSharedLayout({ hiddenWidth: clinical.hiddenWidth, embeddingWidth }),
      ];
      if (plan.expression !== undefined) {
        parts.push(expressionSharedLayout({ hiddenWidth: expression.hiddenWidth, embeddingWidth }));
      }
      return createLayout(parts.flatMap(({ tensors }) => tensors));
    }
    default:
      return stage satisfies never;
  }
}

/** The flat vector a stage starts from, on every machine the same. */
export function initialStageWeights(plan: StudyPlan, stage: Stage): Float32Array {
  return initialise(stageLayout(plan, stage), `${plan.seed}/${stage.name}`);
}

/** The same, so many numbers at a time; the last piece is shorter. */
export function initialStagePieces(plan: StudyPlan, stage: Stage, length: number): Iterable<Float32Array> {
  return initialisePieces(stageLayout(plan, stage), { seed: `${plan.seed}/${stage.name}`, length });
}

/** How a stage's updates are coded in a round that `sites` sites are invited to. */
export function stageUpdateCode(plan: StudyPlan, stage: Stage, sites: number): UpdateCode {
  return { layout: stageLayout(plan, stage), ...codeTerms(plan, sites) };
}

/**
 * The integers per unit of change at full sample weight when `sites` sites are invited.
 *
 * @throws {RangeError} when the sum over so many sites could exceed a word.
 */
export function updateScale(plan: StudyPlan, sites: number): number {
  return updateCodeScale(codeTerms(plan, sites));
}

/** All that an update's code follows from but the layout. */
export function codeTerms(plan: StudyPlan, sites: number): Omit<UpdateCode, 'layout'> {
  const { clip, maximumSampleCount, centralPrivacy, updateNormLimit } = plan.protection;
  const central =
    centralPrivacy === undefined || updateNormLimit === undefined
      ? undefined
      : {
          norm: updateNormLimit.norm,
          noiseMultiplier: centralPrivacy.noiseMultiplier,
          quorum: plan.participation.quorum,
        };
  return { clip, maximumSampleCount, sites, codeBits: codeBitsOf(plan), central };
}
