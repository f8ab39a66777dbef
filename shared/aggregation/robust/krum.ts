/** Krum's choice among updates by their mutual distances (Blanchard et al. 2017, section 4). */
import { requireEnoughUpdates } from './robust-rule.ts';

/**
 * Adds the squared distances between the updates over one piece of their coordinates to `distances`, in float64 and in
 * the order of coordinates: pieces of any length, taken in order, give the same bits.
 *
 * @param distances n x n, row by row, zero before the first piece.
 * @param piece the same coordinates of each of the n updates.
 */
export function addSquaredDistances(distances: Float64Array, piece: readonly Float32Array[]): void {
  const updates = piece.length;
  if (distances.length !== updates * updates) {
    throw new RangeError(
      `Cannot add distances: ${updates} updates need ${updates ** 2} sums, found ${distances.length}`,
    );
  }
  for (let a = 0; a < updates; a++) {
    for (let b = a + 1; b < updates; b++) {
      const first = piece[a]!;
      const second = piece[b]!;
      let sum = distances[a * updates + b]!;
      for (let i = 0; i < first.length; i++) {
        const difference = first[i]! - second[i]!;
        sum += difference * difference;
      }
      distances[a * updates + b] = sum;
      distances[b * updates + a] = sum;
    }
  }
}

/**
 * The updates in the order of their Krum scores, best first; of equal scores the earlier update first. The score is the
 * sum of the squared distances to the n - f - 2 nearest others. An update that is not finite is infinitely far from all.
 *
 * @param distances as `addSquaredDistances` leaves them.
 * @returns indices of updates; the first is Krum's choice, the first n - f - 2 are multi-Krum's.
 * @throws {RangeError} for fewer than 2f + 3 updates.
 */
export function orderByKrum(distances: Float64Array, { faulty }: { readonly faulty: number }): number[] {
  const updates = Math.sqrt(distances.length);
  requireEnoughUpdates({ kind: 'krum', faulty }, updates);
  const scores = Array.from({ length: updates }, (_, update) => {
    const others = [...distances.subarray(update * updates, (update + 1) * updates)]
      .filter((_, other) => other !== update)
      .map((distance) => (Number.isNaN(distance) ? Number.POSITIVE_INFINITY : distance))
      .sort(ascending);
    return others.slice(0, updates - faulty - 2).reduce((sum, distance) => sum + distance, 0);
  });
  return scores.map((_, update) => update).sort((a, b) => ascending(scores[a]!, scores[b]!) || a - b);
}

/** Two infinities are equal; their difference would be NaN. */
function ascending(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
