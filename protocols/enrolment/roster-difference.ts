/** What one roster epoch changes in the one before, in words, for the person who is to approve it. */
import { fingerprint } from '@wardround/shared/crypto/identity.ts';
import { fingerprintWords } from './fingerprint-words.ts';
import { memberNames, type Roster, type RosterMember } from './roster.ts';

/** One sentence for each change, in the order: who leaves, who changes keys, who joins. */
export function rosterDifference(previous: Roster | null, next: Roster): string[] {
  const before = new Set(memberNames(previous));
  const after = memberNames(next);
  const gone = [...before].filter((site) => !after.includes(site));
  const rotated = after.filter((site) => before.has(site) && keysOf(previous, site) !== keysOf(next, site));
  const joined = after.filter((site) => !before.has(site));
  const lines = [
    ...gone.map((site) => `${site} leaves${next.removed.includes(site) ? '' : ', and is not named as removed'}.`),
    ...rotated.map((site) => `${site} changes its keys: ${words(newest(next, site))}.`),
    ...joined.map((site) => `${site} joins: ${words(newest(next, site))}.`),
  ];
  return lines.length === 0 ? ['Nothing changes.'] : lines;
}

/** Six words for the keys of an entry. */
export function words(member: Pick<RosterMember, 'signingKey' | 'sealingKey'> | undefined): string {
  return member === undefined ? 'no keys' : fingerprintWords(fingerprint(member));
}

function newest(roster: Roster | null, site: string): RosterMember | undefined {
  return roster?.sites.findLast((member) => member.site === site);
}

function keysOf(roster: Roster | null, site: string): string {
  return (roster?.sites ?? [])
    .filter((member) => member.site === site)
    .map(({ signingKey, sealingKey }) => `${signingKey} ${sealingKey}`)
    .join('\n');
}
