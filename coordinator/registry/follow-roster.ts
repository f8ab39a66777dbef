/** Brings the table of sites to what the roster's newest epoch says: also after a crash between the two. */
import { memberNames, type Roster } from '@wardround/protocols/enrolment/roster.ts';
import type { SiteTable } from '../storage/site-table.ts';
import type { RosterKeeper } from './roster-keeper.ts';

/** Calls `onAdmitted` for each site that has just become a member. */
export async function followRoster(
  roster: Roster,
  parts: {
    readonly table: SiteTable;
    readonly onAdmitted: (site: string) => Promise<void>;
  },
): Promise<void> {
  const { table, onAdmitted } = parts;
  for (const site of memberNames(roster)) {
    const known = await table.findSite(site);
    if (known?.status === 'pending') {
      await table.admit(site);
      await onAdmitted(site);
    }
  }
}

/** What is to be done at the start. Sites that an earlier version admitted without a roster found the first epoch. */
export async function takeUpRoster(keeper: RosterKeeper, parts: Parameters<typeof followRoster>[1]): Promise<void> {
  const newest = keeper.newest();
  if (newest !== null) return followRoster(newest, parts);
  const admitted = (await parts.table.sites()).filter(({ status }) => status === 'admitted');
  if (admitted.length > 0) await keeper.propose({ add: admitted });
}
