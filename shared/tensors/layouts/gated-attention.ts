/**
 * Gated attention over a patient's slices (Ilse et al. 2018, arXiv 1802.04712) as MEDFORM builds it: two pre-attention
 * layers, then a = softmax(c(tanh(A h) * sigmoid(B h))). MEDFORM's tensor names under the prefix `pooling.`; `proj` is
 * ours and maps the patient's vector into the space shared with the other modalities.
 */
import { createLayout, type ParameterLayout } from '../layout.ts';
import { layerNorm } from './layer-norm.ts';
import { linear } from './linear.ts';

/** Indices 2, 3, 6 and 7 of `pre_attn` are activations and drop-outs and have no tensors. */
export function gatedAttentionLayout(options: {
  /** Width of a slice's embedding. */
  readonly sliceWidth: number;
  readonly width: number;
  readonly attentionWidth: number;
  readonly embeddingWidth: number;
}): ParameterLayout {
  const { sliceWidth, width, attentionWidth, embeddingWidth } = options;
  const group = 'image';
  return createLayout([
    ...linear('pooling.pre_attn.0', { inputWidth: sliceWidth, outputWidth: width, group }),
    ...layerNorm('pooling.pre_attn.1', { width, group }),
    ...linear('pooling.pre_attn.4', { inputWidth: width, outputWidth: width, group }),
    ...layerNorm('pooling.pre_attn.5', { width, group }),
    ...linear('pooling.attn.attention_a.0', { inputWidth: width, outputWidth: attentionWidth, group }),
    ...linear('pooling.attn.attention_b.0', { inputWidth: width, outputWidth: attentionWidth, group }),
    ...linear('pooling.attn.attention_c', { inputWidth: attentionWidth, outputWidth: 1, group }),
    ...linear('pooling.proj', { inputWidth: width, outputWidth: embeddingWidth, group }),
  ]);
}
