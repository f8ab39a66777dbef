/**
 * Cross-modal retrieval: how often a patient's embedding in one modality finds the same patient in another among the k most
 * similar by cosine, both directions averaged. A zero vector is equally similar (0) to everything. Ties share their places:
 * a patient tied with others counts with the probability of being among the first k under a random order of the tied, so
 * constant embeddings get chance level, not 0 or 1.
 *
 * @param a [count, width], row-major; row i of `a` and of `b` are the same patient.
 * @param ks Which k; one recall and one chance level are returned for each.
 * @throws {TypeError} when a matrix is not [count, width].
 * @throws {RangeError} when an embedding is not finite or there is no patient.
 */
export function retrievalRecall(
  a: Float32Array,
  b: Float32Array,
  { count, width, ks }: { count: number; width: number; ks: readonly number[] },
): { k: number; recall: number; chance: number }[] {
  if (count < 1) throw new RangeError('Cannot compute retrieval recall: there is no patient');
  const unitA = unitRows(a, count, width);
  const unitB = unitRows(b, count, width);
  const similarity = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      let sum = 0;
      for (let d = 0; d < width; d++) sum += unitA[i * width + d]! * unitB[j * width + d]!;
      similarity[i * count + j] = sum;
    }
  }

  const found = ks.map(() => 0);
  for (let i = 0; i < count; i++) {
    const own = similarity[i * (count + 1)]!;
    const forward = { better: 0, tied: 0 };
    const backward = { better: 0, tied: 0 };
    for (let j = 0; j < count; j++) {
      compare(forward, similarity[i * count + j]!, own);
      compare(backward, similarity[j * count + i]!, own);
    }
    ks.forEach((k, at) => {
      found[at]! += (probabilityAmongFirst(k, forward) + probabilityAmongFirst(k, backward)) / 2;
    });
  }
  return ks.map((k, at) => ({ k, recall: found[at]! / count, chance: Math.min(1, k / count) }));
}

function compare(place: { better: number; tied: number }, other: number, own: number): void {
  if (other > own) place.better++;
  else if (other === own) place.tied++;
}

/** `tied` counts the patient itself. */
function probabilityAmongFirst(k: number, { better, tied }: { better: number; tied: number }): number {
  return Math.min(1, Math.max(0, (k - better) / tied));
}

function unitRows(matrix: Float32Array, count: number, width: number): Float64Array {
  if (matrix.length !== count * width) {
    throw new TypeError(
      `Cannot compute retrieval recall: embeddings must be [${count}, ${width}], found ${matrix.length} values`,
    );
  }
  const unit = new Float64Array(matrix.length);
  for (let row = 0; row < count; row++) {
    let squares = 0;
    for (let i = row * width; i < (row + 1) * width; i++) squares += matrix[i]! ** 2;
    if (!Number.isFinite(squares)) throw new RangeError('Cannot compute retrieval recall: an embedding is not finite');
    if (squares === 0) continue;
    const length = Math.sqrt(squares);
    for (let i = row * width; i < (row + 1) * width; i++) unit[i] = matrix[i]! / length;
  }
  return unit;
}
