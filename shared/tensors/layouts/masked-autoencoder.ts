/**
 * The masked autoencoder's tensors (He et al. 2022, arXiv 2111.06377) under the reference implementation's names: a vision
 * transformer without its head, then the decoder. Positions (`pos_embed`, `decoder_pos_embed`) are a formula
 * (`sinCosPositions`), not parameters: they are not listed.
 */
import { createLayout, type ParameterLayout, type TensorSpec } from '../layout.ts';
import { glorotLinear } from './glorot-linear.ts';
import { layerNorm } from './layer-norm.ts';
import { transformerBlock } from './transformer-block.ts';
import type { VitSizes } from './vit.ts';

/** The width, depth and heads of a decoder. Its MLPs are four times as wide. */
export interface DecoderSizes {
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
}

/** The decoders of the published MAE and MaCo encoders. */
export const MAE_DECODER: DecoderSizes = { width: 512, depth: 8, heads: 16 };
export const MACO_DECODER: DecoderSizes = { width: 768, depth: 4, heads: 6 };

export interface MaskedAutoencoderLayoutOptions {
  readonly encoder: VitSizes;
  readonly decoder: DecoderSizes;
  readonly inputChannels: number;
  /** The side of what is predicted for one patch: the encoder's, or a multiple of it when larger images are predicted. */
  readonly predictedPatchSizePixels: number;
  readonly group: string;
}

/** It starts as the reference does: Glorot's bound for every matrix, biases zero, tokens normal with deviation 0.02. */
export function maskedAutoencoderLayout(options: MaskedAutoencoderLayoutOptions): ParameterLayout {
  return createLayout(maskedAutoencoderTensors(options));
}

/**
 * MaCo's image branch (Huang et al. 2024, arXiv 2309.05904): the autoencoder, the map to the space shared with reports
 * (`img_mlp`), the importance of each patch (`pos_weight_img`) and the factor of the cosines (`Tpar`).
 */
export function macoImageLayout({
  sharedWidth,
  patchesPerImage,
  ...options
}: MaskedAutoencoderLayoutOptions & {
  readonly sharedWidth: number;
  readonly patchesPerImage: number;
}): ParameterLayout {
  const { group } = options;
  const zeros = { kind: 'zeros' } as const;
  return createLayout([
    ...maskedAutoencoderTensors(options),
    ...glorotLinear('img_mlp', { inputWidth: options.encoder.width, outputWidth: sharedWidth, group }),
    { name: 'pos_weight_img.weight', shape: [1, patchesPerImage], initialiser: zeros, group },
    { name: 'pos_weight_img.bias', shape: [1], initialiser: zeros, group },
    { name: 'Tpar', shape: [], initialiser: { kind: 'constant', value: 1 / 0.03 }, group },
  ]);
}

function maskedAutoencoderTensors(options: MaskedAutoencoderLayoutOptions): TensorSpec[] {
  const { encoder, decoder, inputChannels, predictedPatchSizePixels, group } = options;
  const { width, mlpWidth, patchSizePixels } = encoder;
  const token = { kind: 'truncated-normal', standardDeviation: 0.02 } as const;
  const patchNumbers = inputChannels * patchSizePixels ** 2;
  const linear = (name: string, widths: { inputWidth: number; outputWidth: number }) =>
    glorotLinear(name, { ...widths, group });
  const blocks = (name: string, sizes: { width: number; depth: number; mlpWidth: number }) =>
    Array.from({ length: sizes.depth }, (_, block) =>
      transformerBlock(`${name}.${block}`, { width: sizes.width, mlpWidth: sizes.mlpWidth, group, linear }),
    ).flat();
  return [
    { name: 'cls_token', shape: [1, 1, width], initialiser: token, group },
    { name: 'mask_token', shape: [1, 1, decoder.width], initialiser: token, group },
    {
      name: 'patch_embed.proj.weight',
      shape: [width, inputChannels, patchSizePixels, patchSizePixels],
      initialiser: { kind: 'uniform', bound: Math.sqrt(6 / (width + patchNumbers)) },
      group,
    },
    {
      name: 'patch_embed.proj.bias',
      shape: [width],
      initialiser: { kind: 'uniform', bound: 1 / Math.sqrt(patchNumbers) },
      group,
    },
    ...blocks('blocks', { width, depth: encoder.depth, mlpWidth }),
    ...layerNorm('norm', { width, group }),
    ...linear('decoder_embed', { inputWidth: width, outputWidth: decoder.width }),
    ...blocks('decoder_blocks', { width: decoder.width, depth: decoder.depth, mlpWidth: 4 * decoder.width }),
    ...layerNorm('decoder_norm', { width: decoder.width, group }),
    ...linear('decoder_pred', {
      inputWidth: decoder.width,
      outputWidth: inputChannels * predictedPatchSizePixels ** 2,
    }),
  ];
}
