import type { RowRange } from '../optimisers/towers-gradient.ts';

/** Some rows of a batch's values, of which there are `rows` in all, as a view. */
export function rowsIn<T extends Float32Array | Uint8Array>(
  values: T,
  { range: { first, count }, rows }: { readonly range: RowRange; readonly rows: number },
): T {
  const size = values.length / rows;
  return values.subarray(first * size, (first + count) * size) as T;
}
