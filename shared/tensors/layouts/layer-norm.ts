import type { TensorSpec } from '../layout.ts';

/** The tensors of a layer normalisation: weight [width] of ones and bias [width] of zeros. */
export function layerNorm(name: string, options: { readonly width: number; readonly group: string }): TensorSpec[] {
  const { width, group } = options;
  return [
    { name: `${name}.weight`, shape: [width], initialiser: { kind: 'ones' }, group },
    { name: `${name}.bias`, shape: [width], initialiser: { kind: 'zeros' }, group },
  ];
}
