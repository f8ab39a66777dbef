/**
 * The roster: which sites are members, with which keys, in numbered epochs that each name the one before by its hash.
 *
 * - The coordinator keeps and hands out the chain but cannot extend it alone: an epoch counts with the signatures of its
 *   administrator and of members of the epoch before (roster-chain.ts). Only the first is the administrator's alone.
 * - A site believes the chain it has pinned, never what it is told beside it: who was not approved has no place in a
 *   session, and whoever is taken out is named.
 * - Nothing here is secret.
 */
import { hashOfJson, type Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { z } from 'zod';
import { Bytes32, Sha256, Slug, TimeMillis } from '../names.ts';

/** The name under which the coordinator's administrator signs; no site can have it. */
export const ADMINISTRATOR = 'coordinator';

/** How long a site's keys are good for: a year and a month in which to change them. */
export const KEY_LIFETIME_MILLIS = 396 * 86_400_000;

/** How long a site's old keys stay good beside its new ones. */
export const KEY_OVERLAP_MILLIS = 30 * 86_400_000;

const SignatureBytes = z.string().regex(/^[A-Za-z0-9_-]{86}$/, 'must be 64 bytes as base64url');

/** One pair of keys of one site. A site that changes its keys has two of these for the time of the overlap. */
export const RosterMember = z.strictObject({
  site: Slug.refine((site) => site !== ADMINISTRATOR, 'this name is the coordinator’s own'),
  signingKey: Bytes32,
  sealingKey: Bytes32,
  notBeforeMillis: TimeMillis,
  /** From this millisecond on the keys are no longer good. */
  notAfterMillis: TimeMillis,
});
export type RosterMember = z.infer<typeof RosterMember>;

/** A site's wish for other keys: signed by the old key, which is a member's, and by the new one, which shows that the site has it. */
export const KeyRotation = z.strictObject({
  site: Slug,
  /** The keys it is signed with, and that end with the overlap. */
  oldSigningKey: Bytes32,
  signingKey: Bytes32,
  sealingKey: Bytes32,
  signature: SignatureBytes,
  proof: SignatureBytes,
});
export type KeyRotation = z.infer<typeof KeyRotation>;

/** One epoch. `sites` is sorted by site, then by the time from which the keys are good. */
export const Roster = z.strictObject({
  format: z.literal('wardround-roster/1'),
  /** Fingerprint of the coordinator whose consortium it is. */
  coordinator: Sha256,
  epoch: z.int().min(1).max(1_000_000),
  sites: z.array(RosterMember).max(4000),
  /** Sites of the epoch before that are taken out: nobody vanishes without being named here. */
  removed: z.array(Slug).max(2000),
  rotations: z.array(KeyRotation).max(2000),
  /** Null for the first epoch only. */
  previousHash: Sha256.nullable(),
});
export type Roster = z.infer<typeof Roster>;

/** Over the roster's hash, by the administrator or a member of the epoch before. */
export const RosterApproval = z.strictObject({ by: Slug, signature: SignatureBytes });
export type RosterApproval = z.infer<typeof RosterApproval>;

export const SignedRoster = z.strictObject({ roster: Roster, approvals: z.array(RosterApproval).max(4000) });
export type SignedRoster = z.infer<typeof SignedRoster>;

/** The name of an epoch and, because it names the one before, of the whole chain up to it. */
export function rosterHash(roster: Roster): Sha256Hex {
  return hashOfJson('roster/1', roster);
}

/** The site's keys that are good at the time, newest first; none when it is no member. */
export function memberKeys(roster: Roster, site: string, atMillis: number): RosterMember[] {
  return roster.sites
    .filter((member) => member.site === site && member.notBeforeMillis <= atMillis && atMillis < member.notAfterMillis)
    .sort((a, b) => b.notBeforeMillis - a.notBeforeMillis);
}

/** The site's newest keys that are good at the time; null when it is no member then. */
export function findMember(roster: Roster, site: string, atMillis: number): RosterMember | null {
  return memberKeys(roster, site, atMillis)[0] ?? null;
}

/** The names of all members, sorted, each once. */
export function memberNames(roster: Roster | null): string[] {
  return [...new Set(roster?.sites.map(({ site }) => site) ?? [])].sort();
}
