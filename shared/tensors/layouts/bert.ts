/**
 * BERT's tensors under the names of transformers' `BertModel`, in its order: what its `state_dict()` lists.
 *
 * Devlin et al. 2019 (arXiv 1810.04805).
 */
import { createLayout, type Initialiser, type ParameterLayout, type TensorSpec } from '../layout.ts';
import { layerNorm } from './layer-norm.ts';
import { linear } from './linear.ts';

/** Shapes alone do not tell the number of heads. */
export interface BertSizes {
  readonly vocabulary: number;
  readonly maximumTokens: number;
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  readonly mlpWidth: number;
}

/** BERT-Base, also the sizes of BiomedVLP-CXR-BERT in fVLM. */
export const BERT_BASE = {
  vocabulary: 30522,
  maximumTokens: 512,
  width: 768,
  depth: 12,
  heads: 12,
  mlpWidth: 3072,
} as const;

/** The text encoder of MaCo's published configuration. */
export const BERT_SMALL = {
  vocabulary: 30000,
  maximumTokens: 100,
  width: 384,
  depth: 6,
  heads: 6,
  mlpWidth: 1536,
} as const;

/** Two token types: the two texts of a pair. */
const TOKEN_TYPES = 2;

/**
 * It starts as transformers starts it: embeddings and linear weights normal with deviation 0.02 (cut at two deviations
 * here), linear biases zero. The embedding of padding, which transformers starts at zero, starts like any other: it never
 * trains and attention hides it.
 *
 * @param options.pooler whether `pooler.dense` is part of it: MaCo trains it, fVLM has none.
 * @param options.prefix stands before every name, with a dot between them; nothing does by default.
 */
export function bertLayout(options: {
  readonly vocabulary: number;
  readonly maximumTokens: number;
  readonly width: number;
  readonly depth: number;
  readonly mlpWidth: number;
  readonly pooler: boolean;
  readonly group: string;
  readonly prefix?: string;
}): ParameterLayout {
  const { vocabulary, maximumTokens, width, depth, mlpWidth, pooler, group, prefix = '' } = options;
  const start = prefix === '' ? '' : `${prefix}.`;
  const weight: Initialiser = { kind: 'truncated-normal', standardDeviation: 0.02 };
  const table = (kind: string, rows: number): TensorSpec => ({
    name: `${start}embeddings.${kind}_embeddings.weight`,
    shape: [rows, width],
    initialiser: weight,
    group,
  });
  const dense = (name: string, inputWidth: number, outputWidth: number) =>
    linear(`${start}${name}`, {
      inputWidth,
      outputWidth,
      group,
      initialisers: { weight, bias: { kind: 'zeros' } },
    });
  const norm = (name: string) => layerNorm(`${start}${name}`, { width, group });
  const blocks = Array.from({ length: depth }, (_, index) => {
    const name = `encoder.layer.${index}`;
    return [
      ...['query', 'key', 'value'].flatMap((part) => dense(`${name}.attention.self.${part}`, width, width)),
      ...dense(`${name}.attention.output.dense`, width, width),
      ...norm(`${name}.attention.output.LayerNorm`),
      ...dense(`${name}.intermediate.dense`, width, mlpWidth),
      ...dense(`${name}.output.dense`, mlpWidth, width),
      ...norm(`${name}.output.LayerNorm`),
    ];
  });
  return createLayout([
    table('word', vocabulary),
    table('position', maximumTokens),
    table('token_type', TOKEN_TYPES),
    ...norm('embeddings.LayerNorm'),
    ...blocks.flat(),
    ...(pooler ? dense('pooler.dense', width, width) : []),
  ]);
}
