import { epsilonSpent } from './rdp.ts';

const LARGEST_MULTIPLIER = 2 ** 20;

/**
 * The smallest noise multiplier, to a relative `tolerance`, with which that many steps cost at most epsilon. It errs upwards.
 *
 * @throws {RangeError} when epsilon is not above 0, or no multiplier up to 2^20 is enough.
 */
export function noiseMultiplierFor(
  budget: { readonly epsilon: number; readonly delta: number },
  {
    samplingRate,
    steps,
    tolerance = 1e-6,
  }: { readonly samplingRate: number; readonly steps: number; readonly tolerance?: number },
): number {
  const { epsilon, delta } = budget;
  if (!(epsilon > 0)) throw new RangeError(`Cannot calibrate noise: epsilon must be above 0, found ${epsilon}`);
  const isEnough = (noiseMultiplier: number) =>
    epsilonSpent([{ noiseMultiplier, samplingRate, steps }], { delta }) <= epsilon;
  let high = 1;
  while (!isEnough(high)) {
    high *= 2;
    if (high > LARGEST_MULTIPLIER) {
      throw new RangeError(
        `Cannot calibrate noise: epsilon ${epsilon} at delta ${delta} needs more than ${LARGEST_MULTIPLIER} times the sensitivity for ${steps} steps`,
      );
    }
  }
  let low = high / 2;
  while (low > tolerance && isEnough(low)) [low, high] = [low / 2, low];
  while (high - low > tolerance * high) {
    const middle = (low + high) / 2;
    if (isEnough(middle)) high = middle;
    else low = middle;
  }
  return high;
}
