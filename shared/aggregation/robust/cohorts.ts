/**
 * Robust aggregation without seeing any single update: sites are divided into cohorts, each cohort adds its updates
 * under secure aggregation, and a rule by coordinate takes the place of the mean over the cohorts' means.
 *
 * - The coordinator learns the sum of each cohort (of four sites at least, as is advised), never one site's update.
 * - A faulty site spoils the mean of its cohort: f faulty sites are withstood where f cohorts are.
 *
 * Cohorts are random, so that colluding sites do not choose theirs. They stay the same as long as the seed and the sites do: where
 * they change from round to round, many cohort sums together lead back to what single sites send on average.
 */
import { hashOfJson } from '../../bytes/hash.ts';
import { type RobustMean, robustMean, type UpdatePieces } from './robust-mean.ts';
import type { RobustRule } from './robust-rule.ts';

/** Fewer cohorts leave a rule by coordinate nothing to choose from; smaller ones hide a site among too few. */
const fewestCohorts = 5;
const fewestSitesOfCohort = 4;

/**
 * Divides the sites by the order of SHA-256(seed, site); the order of `sites` does not matter. Sizes differ by one at most.
 *
 * @param options.seed what must stay the same for the cohorts to stay: the hashes of the study and of its roster.
 * @param options.fewest cohorts, and sites of one; five and four where left out, as is advised.
 * @returns each cohort's sites, sorted.
 * @throws {RangeError} for fewer cohorts than that, or fewer sites in one.
 */
export function assignCohorts(
  sites: readonly string[],
  {
    seed,
    cohorts,
    fewest = { cohorts: fewestCohorts, sites: fewestSitesOfCohort },
  }: {
    readonly seed: string;
    readonly cohorts: number;
    readonly fewest?: { readonly cohorts: number; readonly sites: number };
  },
): string[][] {
  if (!Number.isInteger(cohorts) || cohorts < fewest.cohorts) {
    throw new RangeError(`Cannot form cohorts: at least ${fewest.cohorts} are needed, found ${cohorts}`);
  }
  if (new Set(sites).size !== sites.length) {
    throw new RangeError('Cannot form cohorts: each site may be named once');
  }
  if (sites.length < cohorts * fewest.sites) {
    throw new RangeError(
      `Cannot form cohorts: ${cohorts} of at least ${fewest.sites} sites need ${cohorts * fewest.sites} sites, ` +
        `found ${sites.length}`,
    );
  }
  const rank = new Map(sites.map((site) => [site, hashOfJson('cohort/1', { seed, site })]));
  const dealt = sites.toSorted((a, b) => (rank.get(a)! < rank.get(b)! ? -1 : 1));
  return Array.from({ length: cohorts }, (_, cohort) => dealt.filter((_, at) => at % cohorts === cohort).sort());
}

/**
 * The median or trimmed mean over the cohorts' mean updates, each counted once.
 *
 * @param means one update for each cohort: its decoded sum, divided by its samples.
 * @param options.sites how many sites' updates are in each cohort's sum after drop-outs.
 * @throws {RangeError} for fewer than five cohorts, a cohort of fewer than four sites, or a rule that looks at single updates.
 */
export async function aggregateCohorts(
  means: UpdatePieces,
  {
    sites,
    rule,
    pieceLength,
  }: { readonly sites: readonly number[]; readonly rule: RobustRule; readonly pieceLength: number },
): Promise<RobustMean> {
  if (rule.kind !== 'median' && rule.kind !== 'trimmed-mean') {
    throw new RangeError(`Cannot aggregate cohorts by ${rule.kind}: needed median or trimmed-mean`);
  }
  if (means.updates < fewestCohorts || sites.length !== means.updates) {
    throw new RangeError(
      `Cannot aggregate cohorts: at least ${fewestCohorts} with their numbers of sites are needed, ` +
        `found ${means.updates} with ${sites.length}`,
    );
  }
  const small = sites.find((count) => !(count >= fewestSitesOfCohort));
  if (small !== undefined) {
    throw new RangeError(
      `Cannot aggregate cohorts: each needs at least ${fewestSitesOfCohort} sites, found one of ${small}`,
    );
  }
  return robustMean(means, { rule, pieceLength });
}
