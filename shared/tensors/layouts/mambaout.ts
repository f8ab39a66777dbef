/**
 * MambaOut's tensors under timm's names, in timm's order, as far as they make the embedding: without the pre-logits and
 * the classifier (Yu and Wang 2025, arXiv 2405.07992).
 */
import { createLayout, type ParameterLayout, type TensorSpec } from '../layout.ts';
import { convolution } from './convolution.ts';
import { layerNorm } from './layer-norm.ts';
import { linear } from './linear.ts';

/** The sizes of `mambaout_tiny`; its embedding has 576 numbers. */
export const MAMBAOUT_TINY = { dims: [96, 192, 384, 576], depths: [3, 3, 9, 3] } as const;

/** Hidden channels for each channel of a block. */
const expansion = 8 / 3;

/**
 * `dims` are the channels of each stage, `depths` its blocks. It starts as timm starts it: all weights normal with
 * deviation 0.02 (cut at two deviations here), biases zero.
 *
 * @throws {RangeError} when there are not as many depths as dims or the first of dims is odd, the stem's first convolution
 * having half as many channels.
 */
export function mambaOutLayout(options: {
  readonly dims: readonly number[];
  readonly depths: readonly number[];
  readonly inputChannels: number;
  readonly group: string;
}): ParameterLayout {
  const { dims, depths, inputChannels, group } = options;
  if (dims.length !== depths.length || dims[0]! % 2 !== 0) {
    throw new RangeError(
      `Cannot lay out MambaOut: it needs one depth for each of the dims and an even first of them, found dims [${dims.join(', ')}] and depths [${depths.join(', ')}]`,
    );
  }
  const start = {
    group,
    initialisers: {
      weight: { kind: 'truncated-normal', standardDeviation: 0.02 },
      bias: { kind: 'zeros' },
    },
  } as const;
  const normalisedConvolution = (
    [convolutionName, normName]: readonly [string, string],
    { inputs, outputs }: { readonly inputs: number; readonly outputs: number },
  ) => [
    ...convolution(convolutionName, { inputs, outputs, kernelPixels: 3, ...start }),
    ...layerNorm(normName, { width: outputs, group }),
  ];
  const first = dims[0]!;
  const tensors: TensorSpec[] = [
    ...normalisedConvolution(['stem.conv1', 'stem.norm1'], { inputs: inputChannels, outputs: first / 2 }),
    ...normalisedConvolution(['stem.conv2', 'stem.norm2'], { inputs: first / 2, outputs: first }),
  ];
  dims.forEach((width, stage) => {
    if (stage > 0) {
      const names = [`stages.${stage}.downsample.conv`, `stages.${stage}.downsample.norm`] as const;
      tensors.push(...normalisedConvolution(names, { inputs: dims[stage - 1]!, outputs: width }));
    }
    const hidden = Math.trunc(expansion * width);
    for (let index = 0; index < depths[stage]!; index += 1) {
      const name = `stages.${stage}.blocks.${index}`;
      tensors.push(
        ...layerNorm(`${name}.norm`, { width, group }),
        ...linear(`${name}.fc1`, { inputWidth: width, outputWidth: 2 * hidden, ...start }),
        ...convolution(`${name}.conv`, { inputs: 1, outputs: width, kernelPixels: 7, ...start }),
        ...linear(`${name}.fc2`, { inputWidth: hidden, outputWidth: width, ...start }),
      );
    }
  });
  tensors.push(...layerNorm('head.norm', { width: dims.at(-1)!, group }));
  return createLayout(tensors);
}
