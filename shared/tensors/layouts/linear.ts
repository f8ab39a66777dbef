import type { Initialiser, TensorSpec } from '../layout.ts';

/**
 * The tensors of a fully connected layer: weight [outputWidth, inputWidth] and bias [outputWidth].
 *
 * Without `initialisers` it starts as PyTorch's `nn.Linear` does: both uniform within one over the square root of the
 * input width.
 */
export function linear(
  name: string,
  options: {
    readonly inputWidth: number;
    readonly outputWidth: number;
    readonly group: string;
    readonly initialisers?: { readonly weight: Initialiser; readonly bias: Initialiser };
  },
): TensorSpec[] {
  const { inputWidth, outputWidth, group } = options;
  const uniform = { kind: 'uniform', bound: 1 / Math.sqrt(inputWidth) } as const;
  const { weight, bias } = options.initialisers ?? { weight: uniform, bias: uniform };
  return [
    { name: `${name}.weight`, shape: [outputWidth, inputWidth], initialiser: weight, group },
    { name: `${name}.bias`, shape: [outputWidth], initialiser: bias, group },
  ];
}
