/** The positions of each class of a binary label. */
export interface ClassIndices {
  readonly positive: readonly number[];
  readonly negative: readonly number[];
}

/**
 * @param labels 0 or 1 each.
 * @throws {RangeError} when a label is neither, or when a class has fewer than `atLeast` members.
 */
export function classIndices(labels: ArrayLike<number>, { atLeast }: { atLeast: number }): ClassIndices {
  const positive: number[] = [];
  const negative: number[] = [];
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === 1) positive.push(i);
    else if (labels[i] === 0) negative.push(i);
    else throw new RangeError(`Cannot use the labels: each must be 0 or 1, label ${i} is ${labels[i]}`);
  }
  if (positive.length < atLeast || negative.length < atLeast) {
    throw new RangeError(
      `Cannot use the labels: at least ${atLeast} of each class are needed, found ${positive.length} positive and ${negative.length} negative`,
    );
  }
  return { positive, negative };
}
