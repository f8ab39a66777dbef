/** Which image and report of a batch belong together for an anatomy, from what the reports say; plain numbers. */

/** What is known of each sample's anatomies, [samples, anatomies], samples slowest. */
export interface AnatomyLabels {
  readonly samples: number;
  readonly anatomies: number;
  /** Whether the scan holds the whole anatomy. */
  readonly present: readonly boolean[];
  /** Whether the report finds nothing there. */
  readonly normal: readonly boolean[];
  /** Equal numbers for equal texts of one anatomy. */
  readonly textIds: ArrayLike<number>;
}

/** Matrices are [anatomies, samples, samples], 1 or 0, and 0 where the anatomy is skipped or a sample lacks it. */
export interface AnatomyPairs {
  /** A pair of one sample, of two normal samples or of equal texts: what should match. */
  readonly positive: Float32Array;
  /** Two different abnormal samples with different texts, which may yet say similar things. */
  readonly perhapsAlike: Float32Array;
  /** Anatomies with an abnormal sample and with a pair that should not match; the others teach nothing. */
  readonly active: readonly boolean[];
}

/** @throws {RangeError} when a list does not have one entry for each sample and anatomy. */
export function anatomyPairs(labels: AnatomyLabels): AnatomyPairs {
  const { samples, anatomies, present, normal, textIds } = labels;
  for (const { length } of [present, normal, textIds]) {
    if (length !== samples * anatomies) {
      throw new RangeError(
        `Cannot pair anatomies: ${samples} samples of ${anatomies} anatomies need ${samples * anatomies} labels, found ${length}`,
      );
    }
  }
  const positive = new Float32Array(anatomies * samples * samples);
  const perhapsAlike = new Float32Array(positive.length);
  const active: boolean[] = [];
  for (let anatomy = 0; anatomy < anatomies; anatomy += 1) {
    const places = Array.from({ length: samples }, (_, sample) => sample * anatomies + anatomy);
    const shown = places.flatMap((place, sample) => (present[place] ? [{ place, sample }] : []));
    const matches = (a: number, b: number) => a === b || (normal[a]! && normal[b]!) || textIds[a] === textIds[b];
    const teaches =
      shown.some(({ place }) => !normal[place]) &&
      shown.some(({ place: a }) => shown.some(({ place: b }) => !matches(a, b)));
    active.push(teaches);
    if (!teaches) continue;
    for (const { place: a, sample: row } of shown) {
      for (const { place: b, sample: column } of shown) {
        const index = (anatomy * samples + row) * samples + column;
        if (matches(a, b)) positive[index] = 1;
        else if (!normal[a] && !normal[b]) perhapsAlike[index] = 1;
      }
    }
  }
  return { positive, perhapsAlike, active };
}
