import type { RandomWords } from './random-words.ts';

/**
 * Draws a Poisson sample of patients and sends each of them, independently of the others, into one of the groups: what a
 * patient draws says nothing of who else is there. Gives each group's patients by their index; groups may be empty.
 *
 * @param options.samplingRate the probability with which each patient takes part, above 0 and at most 1.
 * @throws {RangeError} when the rate or the number of groups is outside its range.
 */
export function drawPatientGroups(
  words: RandomWords,
  {
    patients,
    samplingRate,
    groups,
  }: { readonly patients: number; readonly samplingRate: number; readonly groups: number },
): number[][] {
  if (!(samplingRate > 0 && samplingRate <= 1)) {
    throw new RangeError(`Cannot sample patients: the rate must be above 0 and at most 1, found ${samplingRate}`);
  }
  if (!(Number.isInteger(groups) && groups >= 1)) {
    throw new RangeError(`Cannot group patients: needed a whole number of groups from 1, found ${groups}`);
  }
  // Rounded down: never more often than was accounted for.
  const limit = Math.floor(samplingRate * 2 ** 53);
  const drawn = Array.from({ length: groups }, (): number[] => []);
  for (let patient = 0; patient < patients; patient += 1) {
    if (words.bits(53) < limit) drawn[words.below(groups)]!.push(patient);
  }
  return drawn;
}
