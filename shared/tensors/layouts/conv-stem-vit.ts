/**
 * The vision transformer with a convolutional stem that CLEAR trains (`vit_conv_small` and `vit_conv_base` of MoCo v3, Chen
 * et al. 2021, arXiv 2104.02057; the stem from Xiao et al. 2021, arXiv 2106.14881), under MoCo v3's names.
 *
 * The stem's normalisations travel as weight and bias alone. Running means and variances would tell of a hospital's
 * images and average badly, so the travelling model normalises each pixel by itself. Positions are a formula
 * (`convStemPositions`), not parameters: they are not listed.
 */
import { createLayout, type ParameterLayout, type TensorSpec } from '../layout.ts';
import { convolution } from './convolution.ts';
import { glorotLinear } from './glorot-linear.ts';
import { layerNorm } from './layer-norm.ts';
import { transformerBlock } from './transformer-block.ts';

/** The stem takes the place of the twelfth block. Shapes alone do not tell the number of heads. */
export const CONV_STEM_VIT_SMALL = { width: 384, depth: 11, heads: 12, mlpWidth: 1536 } as const;
export const CONV_STEM_VIT_BASE = { width: 768, depth: 11, heads: 12, mlpWidth: 3072 } as const;

/**
 * Starts as MoCo v3 starts it: linear weights uniform within Glorot's bound, of which the query, key and value weights are
 * three; biases zero; convolutions as PyTorch's.
 *
 * @throws {RangeError} when the width is not a multiple of 8, the stem's first width being an eighth of it.
 */
export function convStemVitLayout(options: {
  readonly width: number;
  readonly depth: number;
  readonly mlpWidth: number;
  readonly inputChannels: number;
  readonly group: string;
}): ParameterLayout {
  const { width, depth, mlpWidth, inputChannels, group } = options;
  if (width % 8 !== 0) {
    throw new RangeError(`Cannot lay out the encoder: its width must be a multiple of 8, found ${width}`);
  }
  const tensors: TensorSpec[] = [
    {
      name: 'cls_token',
      shape: [1, 1, width],
      initialiser: { kind: 'truncated-normal', standardDeviation: 1e-6 },
      group,
    },
  ];
  const linear = (name: string, sizes: { inputWidth: number; outputWidth: number }) =>
    glorotLinear(name, { ...sizes, matrices: name.endsWith('.qkv') ? 3 : 1, group });
  const widths = [inputChannels, width / 8, width / 4, width / 2, width];
  for (let stage = 0; stage < 4; stage += 1) {
    const [inputs, outputs] = [widths[stage]!, widths[stage + 1]!];
    tensors.push(
      ...convolution(`patch_embed.proj.${3 * stage}`, { inputs, outputs, kernelPixels: 3, bias: false, group }),
      ...layerNorm(`patch_embed.proj.${3 * stage + 1}`, { width: outputs, group }),
    );
  }
  tensors.push(...convolution('patch_embed.proj.12', { inputs: width, outputs: width, kernelPixels: 1, group }));
  for (let block = 0; block < depth; block += 1) {
    tensors.push(...transformerBlock(`blocks.${block}`, { width, mlpWidth, group, linear }));
  }
  tensors.push(...layerNorm('norm', { width, group }));
  return createLayout(tensors);
}
