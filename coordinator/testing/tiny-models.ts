/** Models of a few numbers in place of the planned ones, so that a test can write all of them down. */
import { createLayout } from '@wardround/shared/tensors/layout.ts';
import type { StageModels } from '../aggregation/model-work.ts';

export const tinyLayout = createLayout([
  { name: 'encoder', shape: [4], initialiser: { kind: 'zeros' }, group: 'image' },
  { name: 'table', shape: [2], initialiser: { kind: 'zeros' }, group: 'clinical' },
]);

export const tinyModels: StageModels = {
  layout: () => tinyLayout,
  initialWeights: () => new Float32Array(tinyLayout.size),
};
