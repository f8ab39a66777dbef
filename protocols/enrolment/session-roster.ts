/** An epoch of the roster as secure aggregation needs it: who may take part now, and with which key each signs. */
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { PinnedRoster } from '../secure-aggregation/signed-message.ts';
import { findMember, memberNames, type Roster, rosterHash, type SignedRoster } from './roster.ts';

export function sessionRoster(roster: Roster, nowMillis: number): PinnedRoster {
  const signingKeys = memberNames(roster).flatMap((site): [string, string][] => {
    const member = findMember(roster, site, nowMillis);
    return member === null ? [] : [[site, member.signingKey]];
  });
  return { epoch: roster.epoch, hash: rosterHash(roster), signingKeys: new Map(signingKeys) };
}

/** The epoch of that hash in a chain, or the newest for null; null when there is none. */
export function findSessionRoster(
  chain: readonly SignedRoster[],
  { hash, nowMillis }: { readonly hash: Sha256Hex | null; readonly nowMillis: number },
): PinnedRoster | null {
  const found = hash === null ? chain.at(-1) : chain.find(({ roster }) => rosterHash(roster) === hash);
  return found === undefined ? null : sessionRoster(found.roster, nowMillis);
}
