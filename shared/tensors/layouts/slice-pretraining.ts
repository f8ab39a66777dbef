import { createLayout, type ParameterLayout } from '../layout.ts';
import { projectionHeadLayout } from './projection-head.ts';
import { type VitArchitecture, vitLayout, vitSizes } from './vit.ts';

/** The tensors of slice pretraining: encoder, then projection head. What trains and what travels must agree on it. */
export function slicePretrainingLayout(options: {
  readonly architecture: VitArchitecture;
  readonly imageSizePixels: number;
  readonly projectionWidth: number;
}): ParameterLayout {
  const group = 'slice';
  const sizes = vitSizes(options.architecture);
  const encoder = vitLayout({ sizes, imageSizePixels: options.imageSizePixels, inputChannels: 1, group });
  const head = projectionHeadLayout({ inputWidth: sizes.width, outputWidth: options.projectionWidth, group });
  return createLayout([...encoder.tensors, ...head.tensors]);
}
