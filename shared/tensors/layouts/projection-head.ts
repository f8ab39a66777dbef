import { createLayout, type ParameterLayout } from '../layout.ts';
import { linear } from './linear.ts';

/**
 * SimCLR's projection head: Linear, ReLU (index 1, no tensors), Linear (Chen et al. 2020, arXiv 2002.05709, section 4.2).
 * It is thrown away after pretraining.
 */
export function projectionHeadLayout(options: {
  readonly inputWidth: number;
  readonly outputWidth: number;
  readonly group: string;
}): ParameterLayout {
  const { inputWidth, outputWidth, group } = options;
  return createLayout([
    ...linear('head.0', { inputWidth, outputWidth: inputWidth, group }),
    ...linear('head.2', { inputWidth, outputWidth, group }),
  ]);
}
