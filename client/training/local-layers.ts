/**
 * The first layers of the clinical and expression encoders, which never leave the site: sites may read different columns,
 * and the gradient of a first layer can give away the rows that made it.
 */
import { createHash } from 'node:crypto';
import type { AlignmentStage, StudyPlan } from '@wardround/protocols/study/plan.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { littleEndianBytes } from '@wardround/shared/bytes/little-endian.ts';
import { initialise } from '@wardround/shared/tensors/initialise.ts';
import { clinicalLocalLayout } from '@wardround/shared/tensors/layouts/clinical.ts';
import { expressionLocalLayout } from '@wardround/shared/tensors/layouts/expression.ts';

/** Flat vectors in layout order; null where the site lacks the modality. */
export interface LocalLayers {
  readonly clinical: Float32Array | null;
  readonly expression: Float32Array | null;
}

export interface LocalWidths {
  /** How many values a patient's clinical vector has; 0 or null when the site has no clinical data. */
  readonly clinicalInputWidth: number | null;
  readonly expressionInputWidth: number | null;
}

/** SHA-256 of the layers: tells whether a training began with the same. It never leaves the site. */
export function localLayersHash({ clinical, expression }: LocalLayers): Sha256Hex {
  const hash = createHash('sha256').update(JSON.stringify([clinical?.length ?? null, expression?.length ?? null]));
  for (const values of [clinical, expression]) if (values !== null) hash.update(littleEndianBytes(values));
  return hash.digest('hex') as Sha256Hex;
}

/** The layers as the study starts, from the plan's seed. */
export function initialLocalLayers(
  { plan, stage }: { plan: StudyPlan; stage: AlignmentStage },
  { clinicalInputWidth, expressionInputWidth }: LocalWidths,
): LocalLayers {
  const seed = `${plan.seed}/${stage.name}/local`;
  return {
    clinical: clinicalInputWidth
      ? initialise(
          clinicalLocalLayout({ inputWidth: clinicalInputWidth, hiddenWidth: plan.encoders.clinical.hiddenWidth }),
          seed,
        )
      : null,
    expression:
      expressionInputWidth && plan.expression
        ? initialise(
            expressionLocalLayout({
              inputWidth: expressionInputWidth,
              hiddenWidth: plan.encoders.expression.hiddenWidth,
            }),
            seed,
          )
        : null,
  };
}

/** Kept layers, where they fit the data as it is now; a modality whose width has changed starts anew. */
export function fittingLocalLayers(kept: LocalLayers | null, initial: LocalLayers): LocalLayers {
  const fit = (old: Float32Array | null | undefined, fresh: Float32Array | null) =>
    fresh !== null && old?.length === fresh.length ? old : fresh;
  return { clinical: fit(kept?.clinical, initial.clinical), expression: fit(kept?.expression, initial.expression) };
}
