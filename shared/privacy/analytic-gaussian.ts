import { logNormalCdf } from './log-erfc.ts';

/**
 * The smallest noise, as a multiple of the sensitivity, with which one unsampled release is (epsilon, delta) differentially
 * private (Balle and Wang 2018, arXiv 1805.06530, theorem 8), to 12 digits.
 *
 * @throws {RangeError} when epsilon is not above 0 or delta not between 0 and 1.
 */
export function analyticGaussianNoise({
  epsilon,
  delta,
}: {
  readonly epsilon: number;
  readonly delta: number;
}): number {
  if (!(epsilon > 0 && delta > 0 && delta < 1)) {
    throw new RangeError(
      `Cannot calibrate noise: epsilon must be above 0 and delta between 0 and 1, found ${epsilon} and ${delta}`,
    );
  }
  const isEnough = (sigma: number) => deltaOf(sigma, epsilon) <= delta;
  let [low, high] = [0.5, 1];
  while (!isEnough(high)) [low, high] = [high, 2 * high];
  while (isEnough(low)) [low, high] = [low / 2, low];
  while (high - low > 1e-13 * high) {
    const middle = (low + high) / 2;
    if (isEnough(middle)) high = middle;
    else low = middle;
    if (middle === low && middle === high) break;
  }
  return high;
}

/** The delta of that noise at epsilon: Phi(1/(2 sigma) - epsilon sigma) - e^epsilon Phi(-1/(2 sigma) - epsilon sigma). */
function deltaOf(sigma: number, epsilon: number): number {
  const [half, shift] = [1 / (2 * sigma), epsilon * sigma];
  return Math.exp(logNormalCdf(half - shift)) - Math.exp(epsilon + logNormalCdf(-half - shift));
}
