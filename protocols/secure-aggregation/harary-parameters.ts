/**
 * How many neighbours each site needs, and how many of their shares give a secret back, when sites share with a random
 * few instead of with all: Bell, Bonawitz, Gascón, Lepoint and Raykova, "Secure single-server aggregation with
 * (poly)logarithmic overhead" (CCS 2020), against a coordinator that deviates but does not split the sites.
 *
 * The ring's order is random, so the neighbours of a site are a random sample. Of the events below each of the first two
 * may happen with probability 2^-41, the last with 2^-20:
 *
 * - the honest survivors fall apart into two groups: k / 2 sites in a row are bad at two places of the ring;
 * - some site has so many colluding neighbours that 2 t shares could be had: both secrets of one site;
 * - some site has fewer than t neighbours that survive.
 */

import { portableExp } from '@wardround/shared/random/portable-exp.ts';
import { portableLog } from '@wardround/shared/random/portable-log.ts';

const PRIVACY_BITS = 41;
const CORRECTNESS_BITS = 20;
/** Keeps rates such as 0.3 times 10 from losing a whole site to rounding. */
const ROUNDING = 1e-14;
const LOG_2 = portableLog(2);

/** The smallest even number of neighbours that is safe, with its threshold, or null where none below `sites - 1` is. */
export function hararyParameters(
  sites: number,
  options: { readonly adversarialRate: number; readonly dropoutRate: number },
): { degree: number; threshold: number } | null {
  const logFactorials = new Float64Array(sites + 1);
  for (let i = 1; i <= sites; i += 1) logFactorials[i] = logFactorials[i - 1]! + portableLog(i);
  for (let degree = 2; degree < sites - 1; degree += 2) {
    const threshold = safeThreshold(sites, { ...options, degree, logFactorials });
    if (threshold !== null) return { degree, threshold };
  }
  return null;
}

function safeThreshold(
  sites: number,
  options: { adversarialRate: number; dropoutRate: number; degree: number; logFactorials: Float64Array },
): number | null {
  const { adversarialRate, dropoutRate, degree, logFactorials } = options;
  const colluding = Math.floor((adversarialRate + ROUNDING) * sites);
  const dropping = Math.floor((dropoutRate + ROUNDING) * sites);
  const bad = colluding + dropping;
  if (degree <= bad) {
    const logGapPairs = portableLog(sites) + portableLog(sites - degree - 1) - LOG_2;
    const logDisconnected =
      logGapPairs +
      logFactorials[bad]! +
      logFactorials[sites - degree]! -
      logFactorials[sites]! -
      logFactorials[bad - degree]!;
    if (logDisconnected >= -PRIVACY_BITS * LOG_2) return null;
  }
  const mostColluding = tailBound(
    { sites, marked: colluding, drawn: degree, logFactorials },
    2 ** -PRIVACY_BITS / sites,
  );
  // Of `degree` neighbours few drop out exactly when many survive.
  const mostDropping = tailBound(
    { sites, marked: sites - Math.ceil((1 - dropoutRate - ROUNDING) * sites), drawn: degree, logFactorials },
    2 ** -CORRECTNESS_BITS / sites,
  );
  const fewestSurviving = degree - mostDropping;
  // An honest neighbour gives one share and a colluding one both: 2 t must exceed neighbours plus colluders.
  const threshold = Math.floor((degree + mostColluding) / 2) + 1;
  return threshold <= fewestSurviving ? Math.max(threshold, 2) : null;
}

/**
 * The smallest number that the marked sites in a sample exceed with at most the given probability: the hypergeometric
 * distribution's upper tail, summed from its small end.
 */
function tailBound(
  sample: { sites: number; marked: number; drawn: number; logFactorials: Float64Array },
  probability: number,
): number {
  const { sites, marked, drawn, logFactorials } = sample;
  const logChoose = (n: number, k: number) => logFactorials[n]! - logFactorials[k]! - logFactorials[n - k]!;
  const fewest = Math.max(0, drawn + marked - sites);
  let tail = 0;
  for (let found = Math.min(marked, drawn); found > fewest; found -= 1) {
    const logProbability =
      logChoose(marked, found) + logChoose(sites - marked, drawn - found) - logChoose(sites, drawn);
    // Terms below e^-100 add up to nothing that 2^-41 / sites could notice.
    if (logProbability > -100) tail += portableExp(logProbability);
    if (tail > probability) return found;
  }
  return fewest;
}
