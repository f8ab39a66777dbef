/**
 * The rank of each value among all, from 1; equal values share the mean of the ranks they occupy. O(n log n).
 *
 * @throws {RangeError} when a value is NaN, which has no rank.
 */
export function midranks(values: ArrayLike<number>): Float64Array {
  const order = new Uint32Array(values.length);
  for (let i = 0; i < order.length; i++) {
    if (Number.isNaN(values[i])) throw new RangeError(`Cannot rank the values: value ${i} is NaN`);
    order[i] = i;
  }
  order.sort((a, b) => values[a]! - values[b]!);
  const ranks = new Float64Array(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    // Ranks start + 1 .. end are shared.
    for (let i = start; i < end; i++) ranks[order[i]!] = (start + 1 + end) / 2;
    start = end;
  }
  return ranks;
}
