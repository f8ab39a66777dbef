/** Which tokens of each patient hold a measured gene, and the order that puts them first. */
export interface PresentTokens {
  /** Of all patients' tokens, [patients * tokens]: each patient's present ones first, then the others, both in order. */
  readonly order: Int32Array;
  /** What each token in that order weighs in the patient's mean: one over the number of present ones, or 0. */
  readonly weights: Float32Array;
}

/**
 * @param present [patients, genes] row by row, 0 for a gene that was not measured.
 * @throws {RangeError} when a patient has no measured gene, or `present` is not of that size.
 */
export function presentTokens(
  present: Uint8Array,
  { patients, genes, genesPerToken }: { patients: number; genes: number; genesPerToken: number },
): PresentTokens {
  if (present.length !== patients * genes) {
    throw new RangeError(
      `Cannot read which genes are present: needed ${patients} x ${genes} marks, found ${present.length}`,
    );
  }
  const tokens = Math.ceil(genes / genesPerToken);
  const order = new Int32Array(patients * tokens);
  const weights = new Float32Array(patients * tokens);
  for (let patient = 0; patient < patients; patient += 1) {
    const marks = present.subarray(patient * genes, (patient + 1) * genes);
    const has = (token: number) =>
      marks.subarray(token * genesPerToken, (token + 1) * genesPerToken).some((mark) => mark !== 0);
    const all = Array.from({ length: tokens }, (_, token) => token);
    const first = all.filter(has);
    if (first.length === 0) {
      throw new RangeError('Cannot encode a profile without a measured gene: leave the patient out of the batch');
    }
    const begin = patient * tokens;
    order.set(
      [...first, ...all.filter((token) => !has(token))].map((token) => begin + token),
      begin,
    );
    weights.fill(1 / first.length, begin, begin + first.length);
  }
  return { order, weights };
}
