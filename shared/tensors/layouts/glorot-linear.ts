import type { TensorSpec } from '../layout.ts';
import { linear } from './linear.ts';

/**
 * A fully connected layer that starts uniform within Glorot's bound with biases of zero, as MAE and MoCo v3 start theirs.
 *
 * @param options.matrices how many matrices lie one above the other in the weight; the bound is that of one of them.
 */
export function glorotLinear(
  name: string,
  {
    matrices = 1,
    ...sizes
  }: {
    readonly inputWidth: number;
    readonly outputWidth: number;
    readonly matrices?: number;
    readonly group: string;
  },
): TensorSpec[] {
  const bound = Math.sqrt(6 / (sizes.inputWidth + sizes.outputWidth / matrices));
  return linear(name, { ...sizes, initialisers: { weight: { kind: 'uniform', bound }, bias: { kind: 'zeros' } } });
}
