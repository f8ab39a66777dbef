import { createLayout, type ParameterLayout } from '../layout.ts';
import { projectionHeadLayout } from './projection-head.ts';
import { VIT_TINY, vitTinyLayout } from './vit.ts';

/** The tensors of slice pretraining: encoder, then projection head. What trains and what travels must agree on it. */
export function slicePretrainingLayout(options: {
  readonly imageSizePixels: number;
  readonly projectionWidth: number;
}): ParameterLayout {
  const group = 'slice';
  const encoder = vitTinyLayout({ imageSizePixels: options.imageSizePixels, inputChannels: 1, group });
  const head = projectionHeadLayout({ inputWidth: VIT_TINY.width, outputWidth: options.projectionWidth, group });
  return createLayout([...encoder.tensors, ...head.tensors]);
}
