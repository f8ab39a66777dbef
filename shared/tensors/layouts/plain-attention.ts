import { createLayout, type ParameterLayout } from '../layout.ts';
import { layerNorm } from './layer-norm.ts';
import { linear } from './linear.ts';

/**
 * CLEAR's aggregation of slices and its head (`ABMIL_Classification`); it starts as PyTorch's layers do. The indices that
 * are missing are activations and drop-out and have no tensors.
 */
export function plainAttentionLayout(options: {
  readonly sliceWidth: number;
  readonly width: number;
  /** Logits a patient. */
  readonly outputs: number;
  readonly group: string;
}): ParameterLayout {
  const { sliceWidth, width, outputs, group } = options;
  return createLayout([
    ...linear('encoder.0', { inputWidth: sliceWidth, outputWidth: width, group }),
    ...linear('aggregator.0', { inputWidth: width, outputWidth: width, group }),
    ...linear('aggregator.2', { inputWidth: width, outputWidth: 1, group }),
    ...layerNorm('head.0', { width, group }),
    ...linear('head.1', { inputWidth: width, outputWidth: width, group }),
    ...linear('head.4', { inputWidth: width, outputWidth: outputs, group }),
  ]);
}
