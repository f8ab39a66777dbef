import { createLayout, type ParameterLayout } from '../layout.ts';
import { linear } from './linear.ts';

/** Gated attention pooling of slices as they are, under CLAM's names (`Attn_Net_Gated`); it starts as PyTorch's layers do. */
export function gatedPoolingLayout(options: {
  readonly sliceWidth: number;
  readonly attentionWidth: number;
  readonly group: string;
}): ParameterLayout {
  const { sliceWidth, attentionWidth, group } = options;
  return createLayout([
    ...linear('attention_a.0', { inputWidth: sliceWidth, outputWidth: attentionWidth, group }),
    ...linear('attention_b.0', { inputWidth: sliceWidth, outputWidth: attentionWidth, group }),
    ...linear('attention_c', { inputWidth: attentionWidth, outputWidth: 1, group }),
  ]);
}
