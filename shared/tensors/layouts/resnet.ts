/**
 * A residual network of bottleneck blocks under torchvision's names, in torchvision's order, without the classifier (He et
 * al. 2016, arXiv 1512.03385). Normalisations travel as weight and bias alone: running statistics are not listed.
 */
import { createLayout, type ParameterLayout, type TensorSpec } from '../layout.ts';
import { convolution } from './convolution.ts';
import { layerNorm } from './layer-norm.ts';

/** The sizes of ResNet-50; its embedding has 2048 numbers. */
export const RESNET_50 = { stemWidth: 64, planes: [64, 128, 256, 512], blocks: [3, 4, 6, 3] } as const;

/** How much wider a block's outputs are than its 3 x 3 convolution. */
const expansion = 4;

/**
 * `planes` are the widths of the 3 x 3 convolutions of each stage, `blocks` how many blocks it has. Convolutions start as
 * torchvision starts them, normal with He's deviation for what goes out (cut at two deviations here).
 */
export function resnetLayout(options: {
  readonly stemWidth: number;
  readonly planes: readonly number[];
  readonly blocks: readonly number[];
  readonly inputChannels: number;
  readonly group: string;
}): ParameterLayout {
  const { stemWidth, planes, blocks, inputChannels, group } = options;
  const normalised = (
    [convolutionName, normName]: readonly [string, string],
    sizes: { readonly inputs: number; readonly outputs: number; readonly kernelPixels: number },
  ): TensorSpec[] => {
    const standardDeviation = Math.sqrt(2 / (sizes.outputs * sizes.kernelPixels ** 2));
    const initialisers = {
      weight: { kind: 'truncated-normal', standardDeviation },
      bias: { kind: 'zeros' },
    } as const;
    return [
      ...convolution(convolutionName, { ...sizes, bias: false, initialisers, group }),
      ...layerNorm(normName, { width: sizes.outputs, group }),
    ];
  };
  const tensors = normalised(['conv1', 'bn1'], { inputs: inputChannels, outputs: stemWidth, kernelPixels: 7 });
  let inputs = stemWidth;
  planes.forEach((width, stage) => {
    for (let index = 0; index < blocks[stage]!; index += 1) {
      const name = `layer${stage + 1}.${index}`;
      const outputs = expansion * width;
      tensors.push(
        ...normalised([`${name}.conv1`, `${name}.bn1`], { inputs, outputs: width, kernelPixels: 1 }),
        ...normalised([`${name}.conv2`, `${name}.bn2`], { inputs: width, outputs: width, kernelPixels: 3 }),
        ...normalised([`${name}.conv3`, `${name}.bn3`], { inputs: width, outputs, kernelPixels: 1 }),
      );
      if (index === 0) {
        const names = [`${name}.downsample.0`, `${name}.downsample.1`] as const;
        tensors.push(...normalised(names, { inputs, outputs, kernelPixels: 1 }));
      }
      inputs = outputs;
    }
  });
  return createLayout(tensors);
}
