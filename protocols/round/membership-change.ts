/**
 * Differences between rounds. Sums over the same sites but for one differ by about that site's update (So et al., AAAI 2023),
 * which no secure session can hide. So a round whose sites differ in exactly one from those of the last sum is skipped once:
 * whoever comes and goes in between, the change is then one of several, or has stood for a round. One site that stays away
 * costs a study one round and never more; what its absence tells is bounded by differential privacy alone.
 */

/** A round, as far as its sites can tell two sums apart. */
export interface SummedRound {
  /** Whose updates are in the sum; null where the round gave none. */
  readonly survivors: readonly string[] | null;
  /** It was skipped because of this rule. */
  readonly isHeldBack: boolean;
}

/** Whether a round of these sites has to be held back after the rounds before it, in order. */
export function mustHoldBack(before: readonly SummedRound[], sites: readonly string[]): boolean {
  if (before.at(-1)?.isHeldBack === true) return false;
  const last = before.findLast(({ survivors }) => survivors !== null)?.survivors;
  return last != null && changesBetween(last, sites) === 1;
}

/** How many sites are in one of the lists alone. */
export function changesBetween(some: readonly string[], others: readonly string[]): number {
  const [first, second] = [new Set(some), new Set(others)];
  return some.filter((site) => !second.has(site)).length + others.filter((site) => !first.has(site)).length;
}
