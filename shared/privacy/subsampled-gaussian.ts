/**
 * Rényi differential privacy of the Gaussian mechanism on a Poisson sample (Mironov, Talwar and Zhang 2019, arXiv 1908.10530):
 * each unit takes part independently with probability q, and noise of `noiseMultiplier` times the sensitivity is added.
 */
import { logErfc } from './log-erfc.ts';
import { logAdd, logSubtract } from './log-sum.ts';

export interface SubsampledGaussian {
  /** Standard deviation of the noise divided by the sensitivity, above 0. */
  readonly noiseMultiplier: number;
  /** The probability q with which each unit is sampled, 0 to 1. */
  readonly samplingRate: number;
}

/**
 * The Rényi divergence of order alpha, > 1, that one step of the mechanism spends at most.
 *
 * @throws {RangeError} when a value is outside its range.
 */
export function subsampledGaussianRdp({ noiseMultiplier, samplingRate }: SubsampledGaussian, alpha: number): number {
  requireRange(
    noiseMultiplier > 0 && Number.isFinite(noiseMultiplier),
    'the noise multiplier above 0',
    noiseMultiplier,
  );
  requireRange(samplingRate >= 0 && samplingRate <= 1, 'the sampling rate from 0 to 1', samplingRate);
  requireRange(alpha > 1 && Number.isFinite(alpha), 'the order above 1', alpha);
  if (samplingRate === 0) return 0;
  if (samplingRate === 1) return alpha / (2 * noiseMultiplier ** 2);
  const sigmaAndRate = { sigma: noiseMultiplier, q: samplingRate };
  const logMoment = Number.isInteger(alpha)
    ? integerMoment(sigmaAndRate, alpha)
    : fractionalMoment(sigmaAndRate, alpha);
  return logMoment / (alpha - 1);
}

interface SigmaAndRate {
  readonly sigma: number;
  readonly q: number;
}

/**
 * log A of section 3.3: A = sum over k of C(alpha, k) (1-q)^(alpha-k) q^k exp((k^2-k) / (2 sigma^2)). Because the binomial
 * terms alone sum to 1, A - 1 is the sum with exp(x) - 1 for exp(x), and keeps its digits where the moment is near one.
 */
function integerMoment({ sigma, q }: SigmaAndRate, alpha: number): number {
  let logExcess = Number.NEGATIVE_INFINITY;
  let logBinomial = Math.log(alpha);
  for (let k = 2; k <= alpha; k += 1) {
    logBinomial += Math.log((alpha - k + 1) / k);
    const logWeight = logBinomial + (alpha - k) * Math.log1p(-q) + k * Math.log(q);
    logExcess = logAdd(logExcess, logWeight + logExpm1((k * k - k) / (2 * sigma * sigma)));
  }
  return logAdd(0, logExcess);
}

function logExpm1(x: number): number {
  return x < 1 ? Math.log(Math.expm1(x)) : x + Math.log1p(-Math.exp(-x));
}

/** A moment is at least 1, so what is left out is below 1e-13 of it. */
const NEGLIGIBLE_LOG = -32;

/**
 * log A of section 3.3 for orders between the whole ones: two infinite series, cut where the densities of the two Gaussians
 * cross. Beyond i = alpha the signs alternate and the terms fall slowly, so the last one counts half, which leaves an error
 * of about the term times (alpha + 2) / i.
 */
function fractionalMoment({ sigma, q }: SigmaAndRate, alpha: number): number {
  const crossing = sigma * sigma * Math.log(1 / q - 1) + 0.5;
  const [logQ, logRest] = [Math.log(q), Math.log1p(-q)];
  const width = Math.SQRT2 * sigma;
  const sums = { positive: Number.NEGATIVE_INFINITY, negative: Number.NEGATIVE_INFINITY };
  let logBinomial = 0;
  let sign: 'positive' | 'negative' = 'positive';
  for (let i = 0; ; i += 1) {
    const j = alpha - i;
    const below = i * logQ + j * logRest + (i * i - i) / (2 * sigma * sigma) + logErfc((i - crossing) / width);
    const above = j * logQ + i * logRest + (j * j - j) / (2 * sigma * sigma) + logErfc((crossing - j) / width);
    const term = logBinomial + logAdd(below, above) - Math.LN2;
    const isLast = i > alpha + 1 && term + Math.log((alpha + 2) / i) < NEGLIGIBLE_LOG;
    sums[sign] = logAdd(sums[sign], isLast ? term - Math.LN2 : term);
    if (isLast) return Math.max(0, logSubtract(sums.positive, sums.negative));
    if (j < 0) sign = sign === 'positive' ? 'negative' : 'positive';
    logBinomial += Math.log(Math.abs(j) / (i + 1));
  }
}

function requireRange(holds: boolean, needed: string, found: number): void {
  if (!holds) throw new RangeError(`Cannot account for a Gaussian step: needed ${needed}, found ${found}`);
}
