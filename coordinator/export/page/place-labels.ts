/**
 * Moves labels apart so that none overlaps its neighbour, each as near to where it belongs as the others allow.
 *
 * @param wanted where each label belongs, in any order
 * @returns where each label goes, in the same order; inside `low`..`high` unless they do not fit at all
 */
export function placeLabels(
  wanted: readonly number[],
  { spacing, low, high }: { spacing: number; low: number; high: number },
): number[] {
  const order = wanted.map((_, index) => index).sort((a, b) => wanted[a]! - wanted[b]!);
  const placed = [...wanted];
  let floor = low;
  for (const index of order) {
    placed[index] = Math.max(placed[index]!, floor);
    floor = placed[index]! + spacing;
  }
  let ceiling = high;
  for (const index of order.toReversed()) {
    placed[index] = Math.min(placed[index]!, ceiling);
    ceiling = placed[index]! - spacing;
  }
  return placed;
}
