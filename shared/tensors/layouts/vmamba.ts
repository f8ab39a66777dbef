/**
 * VMamba's tensors (Liu et al. 2024, arXiv 2401.10166) under the names of its code, in its order, without the
 * classification head.
 */
import { createLayout, type Initialiser, type ParameterLayout, type TensorSpec } from '../layout.ts';
import { convolution } from './convolution.ts';
import { layerNorm } from './layer-norm.ts';
import { linear } from './linear.ts';
import { scanStart } from './scan-start.ts';

export interface VmambaSizes {
  /** Blocks of each stage; a stage is twice as wide as the one before. */
  readonly depths: readonly number[];
  /** Of the first stage. */
  readonly width: number;
  /** States of each channel in the selective scan. */
  readonly states: number;
  /** How many times as wide as its block the scan is. */
  readonly innerRatio: number;
  readonly gated: boolean;
  readonly convolutionBias: boolean;
  readonly mlpRatio: number;
  /** Whether overlapping 3 x 3 convolutions make the image smaller, or patches of 4 and then 2 pixels a side. */
  readonly overlapping: boolean;
}

/** `vmamba_tiny_s1l8`, the released VMamba-T. */
export const VMAMBA_TINY: VmambaSizes = {
  depths: [2, 2, 8, 2],
  width: 96,
  states: 1,
  innerRatio: 1,
  gated: false,
  convolutionBias: false,
  mlpRatio: 4,
  overlapping: true,
};

/** The defaults of `VSSM()`, which CLEAR takes: 32 times the scan of the released form. */
export const VSSM_TINY: VmambaSizes = {
  depths: [2, 2, 9, 2],
  width: 96,
  states: 16,
  innerRatio: 2,
  gated: true,
  convolutionBias: true,
  mlpRatio: 4,
  overlapping: false,
};

const directions = 4;

/**
 * It starts as the reference does: linear weights normal with deviation 0.02 (cut at two deviations here) and their biases
 * zero, convolutions and projections as PyTorch's, the scan as Mamba's.
 */
export function vmambaLayout({
  inputChannels,
  group,
  ...sizes
}: VmambaSizes & { readonly inputChannels: number; readonly group: string }): ParameterLayout {
  const { depths, width, overlapping } = sizes;
  const tensors: TensorSpec[] = [];
  if (overlapping) {
    tensors.push(
      ...convolution('patch_embed.0', { inputs: inputChannels, outputs: width / 2, kernelPixels: 3, group }),
      ...layerNorm('patch_embed.2', { width: width / 2, group }),
      ...convolution('patch_embed.5', { inputs: width / 2, outputs: width, kernelPixels: 3, group }),
      ...layerNorm('patch_embed.7', { width, group }),
    );
  } else {
    tensors.push(
      ...convolution('patch_embed.0', { inputs: inputChannels, outputs: width, kernelPixels: 4, group }),
      ...layerNorm('patch_embed.2', { width, group }),
    );
  }
  const kernelPixels = overlapping ? 3 : 2;
  depths.forEach((depth, stage) => {
    const stageWidth = width * 2 ** stage;
    for (let index = 0; index < depth; index += 1) {
      tensors.push(...blockTensors(`layers.${stage}.blocks.${index}`, { ...sizes, width: stageWidth, group }));
    }
    if (stage === depths.length - 1) return;
    tensors.push(
      ...convolution(`layers.${stage}.downsample.1`, {
        inputs: stageWidth,
        outputs: 2 * stageWidth,
        kernelPixels,
        group,
      }),
      ...layerNorm(`layers.${stage}.downsample.3`, { width: 2 * stageWidth, group }),
    );
  });
  tensors.push(...layerNorm('classifier.norm', { width: width * 2 ** (depths.length - 1), group }));
  return createLayout(tensors);
}

function blockTensors(
  name: string,
  {
    width,
    states,
    innerRatio,
    gated,
    convolutionBias,
    mlpRatio,
    group,
  }: Omit<VmambaSizes, 'depths' | 'overlapping'> & { readonly group: string },
): TensorSpec[] {
  const inner = innerRatio * width;
  const rank = Math.ceil(width / 16);
  const start = scanStart({ rank, states });
  const normal: Initialiser = { kind: 'truncated-normal', standardDeviation: 0.02 };
  const uniform: Initialiser = { kind: 'uniform', bound: 1 / Math.sqrt(inner) };
  const op = (part: string, shape: readonly number[], initialiser: Initialiser): TensorSpec => ({
    name: `${name}.op.${part}`,
    shape,
    initialiser,
    group,
  });
  const linears = { group, initialisers: { weight: normal, bias: { kind: 'zeros' } as const } };
  return [
    ...layerNorm(`${name}.norm`, { width, group }),
    op('x_proj_weight', [directions, rank + 2 * states, inner], uniform),
    op('A_logs', [directions * inner, states], start.aLog),
    op('Ds', [directions * inner], start.d),
    op('dt_projs_weight', [directions, inner, rank], start.stepWeight),
    op('dt_projs_bias', [directions, inner], start.stepBias),
    ...layerNorm(`${name}.op.out_norm`, { width: inner, group }),
    op('in_proj.weight', [gated ? 2 * inner : inner, width], normal),
    ...convolution(`${name}.op.conv2d`, { inputs: 1, outputs: inner, kernelPixels: 3, bias: convolutionBias, group }),
    op('out_proj.weight', [width, inner], normal),
    ...layerNorm(`${name}.norm2`, { width, group }),
    ...linear(`${name}.mlp.fc1`, { inputWidth: width, outputWidth: mlpRatio * width, ...linears }),
    ...linear(`${name}.mlp.fc2`, { inputWidth: mlpRatio * width, outputWidth: width, ...linears }),
  ];
}
