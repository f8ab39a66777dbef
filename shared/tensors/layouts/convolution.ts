import type { Initialiser, TensorSpec } from '../layout.ts';

/**
 * The tensors of a convolution: weight [outputs, inputs, kernelPixels, kernelPixels] and, unless told otherwise, bias
 * [outputs]. `inputs` is 1 where each channel is convolved by itself.
 *
 * Without `initialisers` it starts as PyTorch's `nn.Conv2d` does: both uniform within one over the square root of the
 * numbers that one output is made of.
 */
export function convolution(
  name: string,
  options: {
    readonly inputs: number;
    readonly outputs: number;
    readonly kernelPixels: number;
    readonly group: string;
    readonly bias?: boolean;
    readonly initialisers?: { readonly weight: Initialiser; readonly bias: Initialiser };
  },
): TensorSpec[] {
  const { inputs, outputs, kernelPixels, group, bias: hasBias = true } = options;
  const uniform = { kind: 'uniform', bound: 1 / Math.sqrt(inputs * kernelPixels ** 2) } as const;
  const { weight, bias } = options.initialisers ?? { weight: uniform, bias: uniform };
  const shape = [outputs, inputs, kernelPixels, kernelPixels];
  const tensors: TensorSpec[] = [{ name: `${name}.weight`, shape, initialiser: weight, group }];
  if (hasBias) tensors.push({ name: `${name}.bias`, shape: [outputs], initialiser: bias, group });
  return tensors;
}
