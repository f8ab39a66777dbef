/**
 * fVLM's image side: a vision transformer over volumes under MONAI's names, a learned query for each organ, one attention
 * (PyTorch's `nn.MultiheadAttention`) that all organs share, and a Linear for each organ.
 *
 * fVLM, arXiv 2501.14548.
 */
import { createLayout, type Initialiser, type ParameterLayout } from '../layout.ts';
import { layerNorm } from './layer-norm.ts';
import { linear } from './linear.ts';

/** fVLM's published sizes, voxels as depth, height, width. Shapes alone do not tell heads and taps. */
export const FVLM = {
  volumeVoxels: [112, 256, 352],
  patchVoxels: [16, 16, 32],
  width: 768,
  depth: 12,
  heads: 12,
  mlpWidth: 3072,
  /** Organs attend to the tokens after these blocks, counted from 0, and after the final normalisation. */
  taps: [3, 6, 9],
  organHeads: 4,
  embeddingWidth: 256,
} as const;

/**
 * It starts as timm's vision transformer, fVLM's queries at zero, the shared attention as PyTorch starts it (Xavier) and
 * the organs' maps as PyTorch's `nn.Linear`. fVLM goes on from a masked autoencoder instead.
 *
 * @throws {RangeError} when patches do not fill the volume.
 */
export function anatomyLayout(options: {
  /** Depth, height, width. */
  readonly volumeVoxels: readonly [number, number, number];
  readonly patchVoxels: readonly [number, number, number];
  readonly width: number;
  readonly depth: number;
  readonly mlpWidth: number;
  readonly organs: number;
  readonly embeddingWidth: number;
  readonly group: string;
}): ParameterLayout {
  const { volumeVoxels, patchVoxels, width, depth, mlpWidth, organs, embeddingWidth, group } = options;
  const grid = volumeVoxels.map((voxels, axis) => voxels / patchVoxels[axis]!);
  if (!grid.every(Number.isInteger)) {
    throw new RangeError(
      `Cannot lay out the encoder: the volume must be whole patches of ${patchVoxels.join(' x ')} voxels, found ${volumeVoxels.join(' x ')}`,
    );
  }
  const product = (sizes: readonly number[]) => sizes.reduce((size, next) => size * next, 1);
  const normal: Initialiser = { kind: 'truncated-normal', standardDeviation: 0.02 };
  const zeros: Initialiser = { kind: 'zeros' };
  const convolution: Initialiser = { kind: 'uniform', bound: 1 / Math.sqrt(product(patchVoxels)) };
  const xavier: Initialiser = { kind: 'uniform', bound: Math.sqrt(6 / (width + 3 * width)) };
  const outward: Initialiser = { kind: 'uniform', bound: 1 / Math.sqrt(width) };
  const dense = (name: string, inputWidth: number, outputWidth: number, weight: Initialiser = normal) =>
    linear(name, { inputWidth, outputWidth, group, initialisers: { weight, bias: zeros } });
  const norm = (name: string) => layerNorm(name, { width, group });
  const start = 'visual_encoder.patch_embedding';
  const blocks = Array.from({ length: depth }, (_, index) => {
    const name = `visual_encoder.blocks.${index}`;
    return [
      ...norm(`${name}.norm1`),
      ...dense(`${name}.attn.qkv`, width, 3 * width),
      ...dense(`${name}.attn.out_proj`, width, width),
      ...norm(`${name}.norm2`),
      ...dense(`${name}.mlp.linear1`, width, mlpWidth),
      ...dense(`${name}.mlp.linear2`, mlpWidth, width),
    ];
  });
  const projections = Array.from({ length: organs }, (_, organ) =>
    linear(`vision_projs.${organ}`, { inputWidth: width, outputWidth: embeddingWidth, group }),
  );
  return createLayout([
    {
      name: `${start}.patch_embeddings.weight`,
      shape: [width, 1, ...patchVoxels],
      initialiser: convolution,
      group,
    },
    { name: `${start}.patch_embeddings.bias`, shape: [width], initialiser: convolution, group },
    { name: `${start}.position_embeddings`, shape: [1, product(grid), width], initialiser: normal, group },
    ...blocks.flat(),
    ...norm('visual_encoder.norm'),
    { name: 'query_tokens', shape: [organs, width], initialiser: zeros, group },
    { name: 'attention.in_proj_weight', shape: [3 * width, width], initialiser: xavier, group },
    { name: 'attention.in_proj_bias', shape: [3 * width], initialiser: zeros, group },
    ...dense('attention.out_proj', width, width, outward),
    ...projections.flat(),
  ]);
}
