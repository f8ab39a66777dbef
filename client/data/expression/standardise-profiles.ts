import type { KeyedHash } from '../keyed-hash.ts';

export interface StandardisedProfiles {
  /** [genes]; a missing value is the mean, 0. */
  readonly profiles: ReadonlyMap<KeyedHash, Float32Array>;
  /** Whether log2(1 + x) was taken first. */
  readonly logarithm: boolean;
}

/** log2 of counts or TPM stays below 25 and mostly below 20; raw values pass 50 in any real table. */
const LARGEST_LOGARITHM = 50;
const LARGEST_DEVIATIONS = 5;

/**
 * Standardises every gene with the training patients' mean and (population) standard deviation, clipped to 5 of them. Values
 * that look like counts or TPM (none negative, some above 50) are taken as log2(1 + x) first. A gene that does not vary
 * among the training patients is 0 for everybody.
 */
export function standardiseProfiles(
  profiles: ReadonlyMap<KeyedHash, Float32Array>,
  { training }: { training: ReadonlySet<KeyedHash> },
): StandardisedProfiles {
  const trainingProfiles = [...profiles].filter(([key]) => training.has(key)).map(([, profile]) => profile);
  let smallest = Number.POSITIVE_INFINITY;
  let largest = Number.NEGATIVE_INFINITY;
  for (const profile of trainingProfiles) {
    for (const value of profile) {
      if (value < smallest) smallest = value;
      if (value > largest) largest = value;
    }
  }
  const logarithm = smallest >= 0 && largest > LARGEST_LOGARITHM;
  const transform = (value: number) => (logarithm ? Math.log2(1 + Math.max(value, 0)) : value);
  const genes = trainingProfiles[0]?.length ?? 0;
  const mean = new Float64Array(genes);
  const deviation = new Float64Array(genes);
  for (let gene = 0; gene < genes; gene += 1) {
    const values = trainingProfiles.map((profile) => transform(profile[gene]!)).filter((value) => !Number.isNaN(value));
    const count = Math.max(values.length, 1);
    mean[gene] = values.reduce((sum, value) => sum + value, 0) / count;
    deviation[gene] = Math.sqrt(values.reduce((sum, value) => sum + (value - mean[gene]!) ** 2, 0) / count);
  }
  const standardised = new Map<KeyedHash, Float32Array>();
  for (const [key, profile] of profiles) {
    const result = new Float32Array(profile.length);
    for (let gene = 0; gene < genes; gene += 1) {
      const value = transform(profile[gene]!);
      if (Number.isNaN(value) || deviation[gene]! < 1e-6) continue;
      const deviations = (value - mean[gene]!) / deviation[gene]!;
      result[gene] = Math.min(Math.max(deviations, -LARGEST_DEVIATIONS), LARGEST_DEVIATIONS);
    }
    standardised.set(key, result);
  }
  return { profiles: standardised, logarithm };
}
