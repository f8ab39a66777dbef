/**
 * Aggregation rules that withstand some sites sending anything at all, and how many sites each of them needs.
 *
 * Whoever applies them sees every single update: they are for consortia that accept this, and for sums over cohorts
 * (cohorts.ts), where a single update stays hidden in its cohort's sum.
 *
 * All of them count each update once, whatever number of samples stands behind it: a site could claim any number.
 */

export type RobustRule =
  /** The one update that is closest to its neighbours (Blanchard et al. 2017). */
  | { readonly kind: 'krum'; readonly faulty: number }
  /** The mean of the n - f - 2 updates with the best Krum scores (Blanchard et al. 2017; Damaskinos et al. 2019). */
  | { readonly kind: 'multi-krum'; readonly faulty: number }
  /** Per coordinate, the mean without the f smallest and the f largest values (Yin et al. 2018). */
  | { readonly kind: 'trimmed-mean'; readonly faulty: number }
  /** Per coordinate, the middle value, or the mean of the two middle ones (Yin et al. 2018). */
  | { readonly kind: 'median'; readonly faulty: number };

export const ROBUST_RULES = ['krum', 'multi-krum', 'trimmed-mean', 'median'] as const satisfies RobustRule['kind'][];

/**
 * How many updates the rule needs to withstand `faulty` of them: 2f + 3 for Krum and multi-Krum; 2f + 1 for rules by
 * coordinate, and three at the least, because of fewer none is in the middle.
 */
export function fewestUpdates({ kind, faulty }: RobustRule): number {
  switch (kind) {
    case 'krum':
    case 'multi-krum':
      return 2 * faulty + 3;
    case 'trimmed-mean':
    case 'median':
      return Math.max(3, 2 * faulty + 1);
    default:
      throw new TypeError(`Cannot aggregate: there is no rule ${kind satisfies never}`);
  }
}

/** @throws {RangeError} when the rule cannot withstand as many faulty updates among so few. */
export function requireEnoughUpdates(rule: RobustRule, updates: number): void {
  if (!Number.isInteger(rule.faulty) || rule.faulty < 0) {
    throw new RangeError(
      `Cannot aggregate by ${rule.kind}: faulty must be a whole number from 0, found ${rule.faulty}`,
    );
  }
  const needed = fewestUpdates(rule);
  if (updates < needed) {
    throw new RangeError(
      `Cannot aggregate by ${rule.kind}: withstanding ${rule.faulty} faulty updates needs ${needed}, found ${updates}`,
    );
  }
}
