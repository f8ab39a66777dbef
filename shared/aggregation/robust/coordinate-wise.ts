/**
 * Rules that look at each coordinate by itself: the trimmed mean and the median (Yin et al. 2018).
 *
 * A NaN counts as plus infinity: one more value at the far end, of which the rule withstands as many as of any other.
 */

/**
 * The mean of each coordinate without its `trim` smallest and `trim` largest values, summed from the smallest up, so that
 * the order of the updates changes no bit.
 *
 * @param piece the same coordinates of each update.
 * @throws {RangeError} when nothing is left, or what is left is not finite.
 */
export function trimmedMean(piece: readonly Float32Array[], { trim }: { readonly trim: number }): Float32Array {
  const updates = piece.length;
  if (!Number.isInteger(trim) || trim < 0 || updates <= 2 * trim) {
    throw new RangeError(
      `Cannot take the trimmed mean: trimming ${trim} at each end needs more than ${2 * trim} updates, found ${updates}`,
    );
  }
  const length = piece[0]!.length;
  const other = piece.find((values) => values.length !== length);
  if (other !== undefined) {
    throw new RangeError(`Cannot take the trimmed mean: pieces must have ${length} coordinates, found ${other.length}`);
  }
  const mean = new Float32Array(length);
  const column = new Float64Array(updates);
  for (let i = 0; i < length; i++) {
    for (let update = 0; update < updates; update++) {
      const value = piece[update]![i]!;
      column[update] = Number.isNaN(value) ? Number.POSITIVE_INFINITY : value;
    }
    sortInPlace(column);
    let sum = 0;
    for (let at = trim; at < updates - trim; at++) sum += column[at]!;
    mean[i] = sum / (updates - 2 * trim);
    if (!Number.isFinite(mean[i]!)) {
      throw new RangeError('Cannot aggregate: more updates are not finite than the rule withstands');
    }
  }
  return mean;
}

/** The median of each coordinate: the trimmed mean that leaves one value, or two of an even number. */
export function coordinateMedian(piece: readonly Float32Array[]): Float32Array {
  return trimmedMean(piece, { trim: Math.max(0, Math.ceil(piece.length / 2) - 1) });
}

/** By insertion: as many values as sites, tens of millions of times, so that calling a sort would cost more than sorting. */
function sortInPlace(values: Float64Array): void {
  for (let at = 1; at < values.length; at++) {
    const value = values[at]!;
    let to = at;
    while (to > 0 && values[to - 1]! > value) {
      values[to] = values[to - 1]!;
      to -= 1;
    }
    values[to] = value;
  }
}
