/** Which of the rows that a team divides are one member's: `count` rows from `first` on. */
export interface Share {
  readonly first: number;
  readonly count: number;
}

/** The rows 0..total - 1 in one run for each member, in the members' order; lengths differ by one at most and may be zero. */
export function shareOf(total: number, { member, members }: { member: number; members: number }): Share {
  const first = Math.floor((total * member) / members);
  return { first, count: Math.floor((total * (member + 1)) / members) - first };
}
