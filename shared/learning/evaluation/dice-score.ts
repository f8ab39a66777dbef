/** How well predicted masks cover true ones. */
export interface DiceScores {
  /** Per mask: 2 |A and B| / (|A| + |B|); 1 where both are empty. */
  readonly dice: Float64Array;
  /** Per mask: |A and B| / |A or B|; 1 where both are empty. */
  readonly iou: Float64Array;
  readonly diceMean: number;
  /** Over all masks taken as one volume. */
  readonly dicePooled: number;
}

/**
 * @param probabilities [masks, ...pixels] of belonging; at `threshold` a pixel belongs.
 * @param truth 0 or 1, one for one.
 * @throws {TypeError} when the two differ in length or do not divide into masks.
 */
export function diceScores(
  probabilities: ArrayLike<number>,
  truth: ArrayLike<number>,
  { masks, threshold = 0.5 }: { readonly masks: number; readonly threshold?: number },
): DiceScores {
  const pixels = truth.length / masks;
  if (probabilities.length !== truth.length || !Number.isInteger(pixels)) {
    throw new TypeError(
      `Cannot compare the masks: ${probabilities.length} probabilities and ${truth.length} true pixels do not make ${masks} masks`,
    );
  }
  const counts = Array.from({ length: masks }, (_, mask) => {
    let [predicted, actual, both] = [0, 0, 0];
    for (let pixel = mask * pixels; pixel < (mask + 1) * pixels; pixel += 1) {
      const belongs = probabilities[pixel]! >= threshold;
      predicted += Number(belongs);
      actual += truth[pixel]!;
      both += belongs ? truth[pixel]! : 0;
    }
    return { sum: predicted + actual, both };
  });
  const dice = Float64Array.from(counts, ({ sum, both }) => (sum === 0 ? 1 : (2 * both) / sum));
  const total = counts.reduce((a, b) => ({ sum: a.sum + b.sum, both: a.both + b.both }), { sum: 0, both: 0 });
  return {
    dice,
    iou: Float64Array.from(counts, ({ sum, both }) => (sum === 0 ? 1 : both / (sum - both))),
    diceMean: dice.reduce((sum, value) => sum + value, 0) / masks,
    dicePooled: total.sum === 0 ? 1 : (2 * total.both) / total.sum,
  };
}
