/**
 * The vision transformer's tensors under timm's names, in timm's order, without the classification head: what
 * `timm.create_model('vit_tiny_patch16_224', in_chans=1, img_size=..., num_classes=0).state_dict()` lists.
 *
 * Dosovitskiy et al. 2021 (arXiv 2010.11929); widths 192 and 384 from Touvron et al. 2021 (DeiT, arXiv 2012.12877).
 */
import { createLayout, type Initialiser, type ParameterLayout, type TensorSpec } from '../layout.ts';
import { layerNorm } from './layer-norm.ts';
import { linear } from './linear.ts';
import { transformerBlock } from './transformer-block.ts';

/** The vision transformers that a study can name, as timm names them without their image size. */
export const VIT_ARCHITECTURES = ['vit_tiny_patch16', 'vit_small_patch16', 'vit_base_patch16'] as const;
export type VitArchitecture = (typeof VIT_ARCHITECTURES)[number];

/** Shapes alone do not tell the number of heads. */
export interface VitSizes {
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  readonly mlpWidth: number;
  readonly patchSizePixels: number;
}

const sizesOf: Readonly<Record<VitArchitecture, VitSizes>> = {
  vit_tiny_patch16: { width: 192, depth: 12, heads: 3, mlpWidth: 768, patchSizePixels: 16 },
  vit_small_patch16: { width: 384, depth: 12, heads: 6, mlpWidth: 1536, patchSizePixels: 16 },
  vit_base_patch16: { width: 768, depth: 12, heads: 12, mlpWidth: 3072, patchSizePixels: 16 },
};

export function vitSizes(architecture: VitArchitecture): VitSizes {
  return sizesOf[architecture];
}

/** timm's normalisation of vision transformers: pixels 0..1 become -1..1. Training applies it and a published encoder expects it. */
export const PIXEL_NORMALISATION = { mean: 0.5, deviation: 0.5 } as const;

/**
 * The encoder for images of `inputChannels` channels and `imageSizePixels` a side.
 *
 * It starts as timm starts it: linear weights and positions normal with deviation 0.02 (cut at two deviations here),
 * linear biases zero, the patch convolution as PyTorch's `nn.Conv2d`.
 *
 * @throws {RangeError} when the image size is not a multiple of the patch size.
 */
export function vitLayout(options: {
  readonly sizes: VitSizes;
  readonly imageSizePixels: number;
  readonly inputChannels: number;
  readonly group: string;
}): ParameterLayout {
  const { imageSizePixels, inputChannels, group } = options;
  const { width, depth, mlpWidth, patchSizePixels } = options.sizes;
  if (imageSizePixels % patchSizePixels !== 0) {
    throw new RangeError(
      `Cannot lay out the encoder: the image size must be a multiple of ${patchSizePixels} pixels, found ${imageSizePixels}`,
    );
  }
  const patches = (imageSizePixels / patchSizePixels) ** 2;
  const patchNumbers = inputChannels * patchSizePixels ** 2;
  const normal = (standardDeviation: number): Initialiser => ({ kind: 'truncated-normal', standardDeviation });
  const convolution: Initialiser = { kind: 'uniform', bound: 1 / Math.sqrt(patchNumbers) };
  const initialisers = { weight: normal(0.02), bias: { kind: 'zeros' } as const };
  const linears = (name: string, widths: { inputWidth: number; outputWidth: number }) =>
    linear(name, { ...widths, group, initialisers });
  const tensors: TensorSpec[] = [
    { name: 'cls_token', shape: [1, 1, width], initialiser: normal(1e-6), group },
    { name: 'pos_embed', shape: [1, 1 + patches, width], initialiser: normal(0.02), group },
    {
      name: 'patch_embed.proj.weight',
      shape: [width, inputChannels, patchSizePixels, patchSizePixels],
      initialiser: convolution,
      group,
    },
    { name: 'patch_embed.proj.bias', shape: [width], initialiser: convolution, group },
  ];
  for (let block = 0; block < depth; block += 1) {
    tensors.push(...transformerBlock(`blocks.${block}`, { width, mlpWidth, group, linear: linears }));
  }
  tensors.push(...layerNorm('norm', { width, group }));
  return createLayout(tensors);
}
