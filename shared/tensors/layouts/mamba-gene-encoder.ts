/**
 * The gene encoder of MGI (arXiv 2406.00631): Mamba blocks under the names of state-spaces/mamba (Gu and Dao 2023, arXiv
 * 2312.00752) between tokens of genes and a projection, whose names are this project's, because MGI published none.
 */
import { createLayout, type Initialiser, type ParameterLayout, type TensorSpec } from '../layout.ts';
import { layerNorm } from './layer-norm.ts';
import { linear } from './linear.ts';
import { scanStart } from './scan-start.ts';

export interface MambaGeneEncoderSizes {
  readonly genes: number;
  /** How many consecutive genes make a token, or null for a token of each gene with an embedding of its own. */
  readonly genesPerToken: number | null;
  readonly width: number;
  readonly depth: number;
  readonly states: number;
  readonly convolutionTaps: number;
  /** How many times as wide as its block the scan is. */
  readonly innerRatio: number;
  readonly normalisation: 'layer' | 'rms';
  readonly embeddingWidth: number;
}

/** Sizes within what MGI's description allows; a profile of 19,000 genes makes 950 tokens. */
export const MAMBA_GENE_ENCODER = {
  genesPerToken: 20,
  width: 256,
  depth: 4,
  states: 16,
  convolutionTaps: 4,
  innerRatio: 2,
  normalisation: 'rms',
  embeddingWidth: 256,
} as const satisfies Omit<MambaGeneEncoderSizes, 'genes'>;

/**
 * It starts as state-spaces/mamba does: embeddings normal with deviation 0.02 (cut at two deviations here), linear weights
 * as PyTorch's with zero biases, out_proj divided by the root of the depth.
 */
export function mambaGeneEncoderLayout({
  group,
  ...sizes
}: MambaGeneEncoderSizes & { readonly group: string }): ParameterLayout {
  const { depth, width, normalisation, embeddingWidth } = sizes;
  const norm = (name: string) => {
    const tensors = layerNorm(name, { width, group });
    return normalisation === 'layer' ? tensors : tensors.slice(0, 1);
  };
  const tensors = tokenTensors({ ...sizes, group });
  for (let index = 0; index < depth; index += 1) {
    tensors.push(...norm(`layers.${index}.norm`), ...mixerTensors(`layers.${index}.mixer`, { ...sizes, group }));
  }
  tensors.push(...norm('norm_f'), {
    name: 'proj.weight',
    shape: [embeddingWidth, width],
    initialiser: within(width),
    group,
  });
  return createLayout(tensors);
}

function tokenTensors({
  genes,
  genesPerToken,
  width,
  group,
}: MambaGeneEncoderSizes & { readonly group: string }): TensorSpec[] {
  const embedding: Initialiser = { kind: 'truncated-normal', standardDeviation: 0.02 };
  const inputs = genesPerToken ?? 1;
  const through = (name: string) =>
    linear(name, {
      inputWidth: inputs,
      outputWidth: width,
      group,
      initialisers: { weight: within(inputs), bias: { kind: 'zeros' } },
    });
  if (genesPerToken === null) {
    return [
      { name: 'gene_embed.weight', shape: [genes, width], initialiser: embedding, group },
      ...through('value_proj'),
    ];
  }
  const tokens = Math.ceil(genes / genesPerToken);
  return [...through('gene_patch'), { name: 'pos_embed', shape: [1, tokens, width], initialiser: embedding, group }];
}

function mixerTensors(
  name: string,
  { width, depth, states, convolutionTaps, innerRatio, group }: MambaGeneEncoderSizes & { readonly group: string },
): TensorSpec[] {
  const inner = innerRatio * width;
  const rank = Math.ceil(width / 16);
  const start = scanStart({ rank, states });
  const tensor = (part: string, shape: readonly number[], initialiser: Initialiser): TensorSpec => ({
    name: `${name}.${part}`,
    shape,
    initialiser,
    group,
  });
  return [
    tensor('A_log', [inner, states], start.aLog),
    tensor('D', [inner], start.d),
    tensor('in_proj.weight', [2 * inner, width], within(width)),
    tensor('conv1d.weight', [inner, 1, convolutionTaps], within(convolutionTaps)),
    tensor('conv1d.bias', [inner], within(convolutionTaps)),
    tensor('x_proj.weight', [rank + 2 * states, inner], within(inner)),
    tensor('dt_proj.weight', [inner, rank], start.stepWeight),
    tensor('dt_proj.bias', [inner], start.stepBias),
    tensor('out_proj.weight', [width, inner], within(inner * depth)),
  ];
}

/** Uniform within one over the root of the inputs, PyTorch's default. */
function within(inputs: number): Initialiser {
  return { kind: 'uniform', bound: 1 / Math.sqrt(inputs) };
}
