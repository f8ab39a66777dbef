/**
 * How many sites may fail and how many may collude: what every site computes for itself from the number of sites alone, so
 * that no coordinator can talk it into less.
 *
 * With n sites, of which c collude with the coordinator, and threshold t, 2 t > n + c keeps anybody from collecting t
 * shares of both secrets of a site, even when the coordinator tells different sites different things: an honest site gives
 * one of the two, a colluding one both (Bonawitz et al., CCS 2017, section 6).
 */
import { hararyParameters } from './harary-parameters.ts';

/** Fewer cannot hide anything: with two, each knows the other's number from the sum. */
export const FEWEST_SITES = 3;
/** Up to here each site shares with every other one. */
const LARGEST_COMPLETE_GRAPH = 64;
/** Shamir shares over GF(2^8) have 255 places. */
const MOST_SHARES = 255;

export interface SessionParameters {
  /** c: how many sites may collude with the coordinator without learning more than the sum. */
  readonly colluders: number;
  /** t: how many shares give a secret back. */
  readonly threshold: number;
  /** k: with how many other sites each site shares. Below `sites - 1` the graph is Harary's. */
  readonly degree: number;
  /** How many sites must survive each phase. */
  readonly fewestSurvivors: number;
}

/**
 * @param options expected rates for more than 64 sites, a tenth each where left out. Part of the protocol's version: every
 *   site must use the same.
 * @throws {RangeError} for fewer than three sites, or more than can share with each other at these rates.
 */
export function sessionParameters(
  sites: number,
  options: { readonly adversarialRate?: number; readonly dropoutRate?: number } = {},
): SessionParameters {
  if (!Number.isInteger(sites) || sites < FEWEST_SITES) {
    throw new RangeError(
      `Cannot aggregate securely: needed at least ${FEWEST_SITES} sites, found ${sites}. With fewer a site's update shows in the sum.`,
    );
  }
  const { adversarialRate = 0.1, dropoutRate = 0.1 } = options;
  if (sites > LARGEST_COMPLETE_GRAPH) {
    const found = hararyParameters(sites, { adversarialRate, dropoutRate });
    if (found !== null && found.degree <= MOST_SHARES) {
      const colluders = Math.floor(adversarialRate * sites);
      return { colluders, ...found, fewestSurvivors: majority(sites, colluders) };
    }
    if (sites > MOST_SHARES) {
      throw new RangeError(
        `Cannot aggregate securely: with ${sites} sites and these rates each would need more than ${MOST_SHARES} neighbours`,
      );
    }
  }
  const colluders = Math.max(1, Math.floor(sites / 3));
  const threshold = majority(sites, colluders);
  return { colluders, threshold, degree: sites - 1, fewestSurvivors: threshold };
}

/** The smallest t with 2 t > sites + colluders. */
function majority(sites: number, colluders: number): number {
  return Math.floor((sites + colluders) / 2) + 1;
}
