/**
 * Which patients are set aside for evaluation: exactly the plan's fraction of a site's patients, drawn so that every
 * modality and label is represented as in the whole.
 */

export interface SplitCandidate {
  /** A keyed hash under the plan's seed: sorting by it is the draw. */
  readonly key: string;
  /** Values to stratify by, most important first. */
  readonly strata: readonly string[];
}

/** Shares `quota` out over groups in proportion to their sizes: whole parts first, then by largest remainder. */
export function shareOut(sizes: readonly number[], quota: number): number[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const exact = sizes.map((size) => (quota * size) / Math.max(total, 1));
  const shares = exact.map(Math.floor);
  const left = quota - shares.reduce((sum, share) => sum + share, 0);
  const byRemainder = [...sizes.keys()].sort((a, b) => exact[b]! - shares[b]! - (exact[a]! - shares[a]!) || a - b);
  for (const index of byRemainder.slice(0, left)) shares[index]! += 1;
  return shares;
}

/** Draws `quota` of the candidates, level by level of the strata. The candidates are sorted by key. */
function draw(
  candidates: readonly SplitCandidate[],
  { quota, level }: { quota: number; level: number },
): SplitCandidate[] {
  if (quota === 0) return [];
  const levels = candidates[0]?.strata.length ?? 0;
  if (quota >= candidates.length || level >= levels) return candidates.slice(0, quota);
  const groups = new Map<string, SplitCandidate[]>();
  for (const candidate of candidates) {
    const value = candidate.strata[level]!;
    const group = groups.get(value);
    if (group === undefined) groups.set(value, [candidate]);
    else group.push(candidate);
  }
  // Groups come in the order of their first key, which is random, so ties in the remainders favour no label.
  const members = [...groups.values()];
  const shares = shareOut(
    members.map((group) => group.length),
    quota,
  );
  return members.flatMap((group, index) => draw(group, { quota: shares[index]!, level: level + 1 }));
}

/**
 * The keys of the held-out patients. The same candidates and fraction always give the same answer; at least one patient
 * stays for training.
 */
export function heldOutSplit(candidates: readonly SplitCandidate[], fraction: number): Set<string> {
  const sorted = [...candidates].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const quota = Math.min(Math.round(fraction * sorted.length), Math.max(sorted.length - 1, 0));
  return new Set(draw(sorted, { quota, level: 0 }).map(({ key }) => key));
}
