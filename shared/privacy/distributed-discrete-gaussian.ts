/**
 * Privacy of a sum to which every site has added its own discrete Gaussian noise (Kairouz, Liu and Steinke 2021,
 * arXiv 2102.06387). A sum of discrete Gaussians is not one, but so nearly that a small term pays for the difference.
 *
 * The number of sites is that of the honest ones guaranteed to survive the round: noise of others is not counted.
 */

export interface DistributedDiscreteGaussian {
  /** The honest sites whose noise is in the sum for certain. */
  readonly sites: number;
  /** Standard deviation of each site's noise, in steps of the integer code. */
  readonly siteNoise: number;
  /** Bound of the L2 norm of what one unit adds to the sum, in steps of the integer code, after rounding. */
  readonly l2Sensitivity: number;
  /** Numbers in the sum. */
  readonly size: number;
}

/** The Rényi divergence of order alpha that one such sum spends at most. */
export function distributedDiscreteGaussianRdp(
  { sites, siteNoise, l2Sensitivity, size }: DistributedDiscreteGaussian,
  alpha: number,
): number {
  if (!(Number.isInteger(sites) && sites >= 1 && siteNoise > 0 && l2Sensitivity >= 0 && size >= 1 && alpha > 1)) {
    throw new RangeError(
      `Cannot account for a noisy sum: needed sites >= 1, noise > 0, sensitivity >= 0, size >= 1 and order > 1, found ${sites}, ${siteNoise}, ${l2Sensitivity}, ${size} and ${alpha}`,
    );
  }
  const ratio = l2Sensitivity / (Math.sqrt(sites) * siteNoise);
  const gap = gapToOneGaussian(sites, siteNoise);
  return Math.min((alpha * ratio * ratio) / 2 + gap * size, (alpha / 2) * (ratio + Math.sqrt(size) * gap) ** 2);
}

/** How far the sum of the sites' discrete Gaussians can be from one discrete Gaussian, a number of the sum. */
function gapToOneGaussian(sites: number, siteNoise: number): number {
  let sum = 0;
  for (let k = 1; k < sites; k += 1) sum += Math.exp((-2 * Math.PI ** 2 * siteNoise ** 2 * k) / (k + 1));
  return 10 * sum;
}

/**
 * What the L2 norm of a vector of that length can become when stochastic rounding to integers is repeated until it is
 * below this bound, which each attempt is with probability at least 1 - exp(-1/2).
 */
export function roundedL2Bound(l2Norm: number, size: number): number {
  const root = Math.sqrt(size);
  return Math.min(
    l2Norm + root,
    Math.sqrt(l2Norm ** 2 + size / 4 + Math.sqrt(2 * LOG_OF_RETRIES) * (l2Norm + root / 2)),
  );
}

/** ln(1 / beta) for beta = exp(-1/2). */
const LOG_OF_RETRIES = 0.5;
