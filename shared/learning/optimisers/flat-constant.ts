import type { ParameterLayout, PlacedTensor } from '../../tensors/layout.ts';

/** A number of each tensor, repeated for each of its numbers in the flat vector. */
export function flatConstant(
  layout: ParameterLayout,
  constantOf: (tensor: PlacedTensor, index: number) => number,
): Float32Array {
  const values = new Float32Array(layout.size);
  for (const [index, tensor] of layout.tensors.entries()) {
    values.fill(constantOf(tensor, index), tensor.offset, tensor.offset + tensor.size);
  }
  return values;
}
