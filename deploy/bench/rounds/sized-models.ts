/** Models of any size in place of the planned ones: so many numbers as the plan's description says, all zero at the start. */
import type { ChainModels } from '@wardround/client/training/session/advance-model.ts';
import type { StageModels } from '@wardround/coordinator/aggregation/model-work.ts';
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { initialisePieces } from '@wardround/shared/tensors/initialise.ts';
import { createLayout, type ParameterLayout } from '@wardround/shared/tensors/layout.ts';

const TENSORS = 12;

export function describeSize(parameters: number): string {
  return `${parameters} parameters`;
}

function layout({ description }: Pick<StudyPlan, 'description'>): ParameterLayout {
  const parameters = Number.parseInt(description, 10);
  const size = Math.ceil(parameters / TENSORS);
  const sizes = Array.from({ length: TENSORS }, (_, index) => Math.min(size, parameters - index * size));
  return createLayout(
    sizes
      .filter((length) => length > 0)
      .map((length, index) => ({
        name: `tensor.${index}`,
        shape: [length],
        initialiser: { kind: 'zeros' },
        group: 'slice',
      })),
  );
}

/** For the coordinator and its aggregation thread, and for sites. */
export const models: StageModels & ChainModels = {
  layout,
  initialWeights: (plan) => new Float32Array(layout(plan).size),
  initialPieces: (plan, _stage, length) => initialisePieces(layout(plan), { seed: plan.seed, length }),
  module: import.meta.url,
};
