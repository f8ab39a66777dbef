/**
 * How large the noise is that every site adds to its codes under central privacy, and which scale leaves room for it. All
 * of it follows from the plan and the number of sites invited, so every site computes the same.
 *
 * The noise of a site is discrete Gaussian with a standard deviation of 2^b words. Counted on are the noises of the fewest
 * honest sites that any session of the plan's quorum guarantees to survive, h: together they have the standard deviation
 * sqrt(h) 2^b. One site's codes have an L2 norm of at most B (enforced on the whole numbers themselves, after rounding), so
 * that exchanging its data moves the sum by at most 2 B, and sqrt(h) 2^b >= z 2 B with z the plan's noise multiplier.
 *
 * The largest b is chosen with which codes and noise still fit: N C S + 8 sqrt(N) 2^b <= 2^29, or 2^13 for words of 16 bits.
 * Eight standard deviations and not six, as one of 22 million numbers is beyond six once in twenty rounds. That the
 * deviation is a power of two makes the noise fast (shared/privacy/grid-gaussian.ts); above 2^20 it would not be finer in
 * any way that counts.
 */
import { type CodeBits, largestSum } from '@wardround/shared/bytes/code-words.ts';
import { FEWEST_SITES, sessionParameters } from '../secure-aggregation/parameters.ts';

export interface CentralNoiseTerms {
  /** L: each site's update is shortened to this L2 norm. */
  readonly norm: number;
  /** z: standard deviation of the noise that is counted on, divided by the sensitivity, which is twice `norm`. */
  readonly noiseMultiplier: number;
  /** A session of fewer sites does not take place. */
  readonly quorum: number;
}

export interface CentralNoise {
  /** S: words per unit of change. */
  readonly scale: number;
  /** Each site's noise has a standard deviation of 2^this, in words. */
  readonly deviationBits: number;
  /** B: the largest L2 norm of one site's codes. */
  readonly largestNorm: number;
  /** h: how many honest sites' noise is in the sum for certain. */
  readonly honestSites: number;
}

const MOST_DEVIATION_BITS = 20;
/** Below it a sum of the sites' noises would differ from a discrete Gaussian by more than rounding errors do. */
const FEWEST_DEVIATION_BITS = 3;
const REACH_DEVIATIONS = 8;
/** Up to here a third of the sites may collude. Larger sessions assume less, which is not relied upon here. */
const LARGEST_COMPLETE_GRAPH = 64;

/**
 * The least number of honest survivors of any session with `quorum` sites or more: t - c.
 *
 * @throws {RangeError} for fewer than three sites.
 */
export function guaranteedHonestSites(quorum: number): number {
  if (quorum <= LARGEST_COMPLETE_GRAPH) {
    const { fewestSurvivors, colluders } = sessionParameters(Math.max(quorum, FEWEST_SITES));
    return fewestSurvivors - colluders;
  }
  const colluders = Math.floor(quorum / 3);
  return Math.floor((quorum + colluders) / 2) + 1 - colluders;
}

/**
 * @param code `clip` is C and `sites` is N, the sites invited.
 * @throws {RangeError} when no noise fits the words.
 */
export function centralNoise(
  terms: CentralNoiseTerms,
  code: { readonly clip: number; readonly sites: number; readonly codeBits: CodeBits },
): CentralNoise {
  const { norm, noiseMultiplier, quorum } = terms;
  const { clip, sites, codeBits } = code;
  const honestSites = guaranteedHonestSites(quorum);
  for (let bits = MOST_DEVIATION_BITS; bits >= FEWEST_DEVIATION_BITS; bits -= 1) {
    const counted = 2 ** bits * Math.sqrt(honestSites);
    const scale = counted / (2 * noiseMultiplier * norm);
    if (sites * clip * scale + REACH_DEVIATIONS * Math.sqrt(sites) * 2 ** bits > largestSum(codeBits)) continue;
    // Whole, and with a margin for the rounding of the two lines above.
    const largestNorm = Math.floor(norm * scale * (1 - 2 ** -40));
    if (largestNorm < 1) break;
    return { scale, deviationBits: bits, largestNorm, honestSites };
  }
  throw new RangeError(
    `Cannot add noise to the sum: with ${sites} sites, a clip of ${clip}, a norm of ${norm} and a noise multiplier of ${noiseMultiplier} ` +
      `nothing fits words of ${codeBits} bits. Lower the plan's protection.clip or use protection.codeBits 32.`,
  );
}
