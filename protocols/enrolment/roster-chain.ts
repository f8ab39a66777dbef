/**
 * How a roster grows: what the next epoch may say, and whose approval makes it count.
 *
 * - Epoch 1 needs the administrator's signature alone. Every later one needs it too, and those of min(2, n) of the n members
 *   of the epoch before that the epoch leaves as they are: neither the coordinator nor a newcomer can bring in anybody.
 * - A member's keys change only by a rotation that its old key signed; the old keys then end after the overlap.
 * - Whoever is taken out is named in `removed`; nobody just vanishes.
 *
 * A coordinator that shows two sites two different epochs of one number is found out as soon as either sees the other's:
 * each names its whole past by its hash.
 */
import { checkPublicKeys } from '@wardround/shared/crypto/identity.ts';
import {
  ADMINISTRATOR,
  KEY_LIFETIME_MILLIS,
  KEY_OVERLAP_MILLIS,
  memberNames,
  type Roster,
  type RosterMember,
  rosterHash,
  type SignedRoster,
} from './roster.ts';
import { isApprovedWith, isRotationSigned } from './roster-signatures.ts';

export type RosterFault =
  | 'roster-of-another-coordinator'
  | 'roster-forked'
  | 'roster-not-extending'
  | 'roster-shrinks-silently'
  | 'roster-keys-replaced'
  | 'roster-keys-unusable'
  | 'roster-unapproved';

/** An epoch that does not follow from what is known. */
export class RosterRefusedError extends Error {
  override readonly name = 'RosterRefusedError';
  readonly code: RosterFault;

  constructor(code: RosterFault, message: string) {
    super(`Cannot accept the roster: ${message}`);
    this.code = code;
  }
}

/** What a site may see of the consortium: whose chain it is, and the administrator's key. */
export interface RosterAnchor {
  readonly fingerprint: string;
  /** The coordinator's ed25519 key, base64url. */
  readonly signingKey: string;
}

/** Members of the epoch before whose membership and keys the epoch leaves as they are, and how many of them must approve. */
export function requiredApprovals(
  previous: Roster | null,
  next: Roster,
): { readonly of: readonly string[]; readonly count: number } {
  const changed = new Set([...next.removed, ...next.rotations.map(({ site }) => site)]);
  const of = memberNames(previous).filter((site) => !changed.has(site));
  return { of, count: Math.min(2, of.length) };
}

/** The members whose approval the epoch has, each once, in the order of their names. */
export function memberApprovals(previous: Roster | null, { roster, approvals }: SignedRoster): string[] {
  const { of } = requiredApprovals(previous, roster);
  return of.filter((site) => {
    const keys = (previous?.sites ?? []).filter((member) => member.site === site);
    const own = approvals.filter(({ by }) => by === site);
    return own.some((approval) => keys.some(({ signingKey }) => isApprovedWith(roster, approval, signingKey)));
  });
}

/**
 * Checks that one epoch follows from the one before, null for the first.
 *
 * @throws {RosterRefusedError}
 */
export function checkNextRoster(next: SignedRoster, previous: Roster | null, anchor: RosterAnchor): void {
  checkContent(next.roster, previous, anchor);
  const administrator = next.approvals.find(({ by }) => by === ADMINISTRATOR);
  if (administrator === undefined || !isApprovedWith(next.roster, administrator, anchor.signingKey)) {
    throw new RosterRefusedError(
      'roster-unapproved',
      `epoch ${next.roster.epoch} lacks the signature of the coordinator’s administrator. Ask the administrator.`,
    );
  }
  const { count, of } = requiredApprovals(previous, next.roster);
  const found = memberApprovals(previous, next);
  if (found.length < count) {
    throw new RosterRefusedError(
      'roster-unapproved',
      `epoch ${next.roster.epoch} needs the approval of ${count} of ${of.join(', ')}, found ${found.length}. ` +
        'Members approve with "wardround-site roster approve".',
    );
  }
}

/**
 * Checks what an epoch says, without who approved it: whoever is to approve it does this first.
 *
 * @throws {RosterRefusedError}
 */
export function checkContent(next: Roster, previous: Roster | null, anchor: RosterAnchor): void {
  if (next.coordinator !== anchor.fingerprint) {
    throw new RosterRefusedError('roster-of-another-coordinator', 'it belongs to another coordinator’s consortium.');
  }
  const expected = { epoch: (previous?.epoch ?? 0) + 1, hash: previous === null ? null : rosterHash(previous) };
  if (next.epoch !== expected.epoch || next.previousHash !== expected.hash) {
    throw new RosterRefusedError(
      'roster-not-extending',
      `needed epoch ${expected.epoch} built on the one this side knows, found epoch ${next.epoch} built on ${next.previousHash === expected.hash ? 'it' : 'another'}. Compare the roster with other sites.`,
    );
  }
  const keys = next.sites.map(({ signingKey }) => signingKey);
  const sealing = next.sites.map(({ sealingKey }) => sealingKey);
  if (new Set(keys).size < keys.length || new Set(sealing).size < sealing.length) {
    throw new RosterRefusedError('roster-keys-unusable', 'two of its entries have the same key.');
  }
  for (const member of next.sites) {
    try {
      checkPublicKeys(member);
    } catch {
      throw new RosterRefusedError('roster-keys-unusable', `the keys of ${member.site} are no usable public keys.`);
    }
  }
  if (previous !== null) checkRemovals(next, previous);
  checkKeys(next, previous);
}

function checkRemovals(next: Roster, previous: Roster): void {
  const after = new Set(memberNames(next));
  const gone = memberNames(previous).filter((site) => !after.has(site));
  const unnamed = gone.filter((site) => !next.removed.includes(site));
  const wrong = next.removed.filter((site) => !gone.includes(site));
  if (unnamed.length > 0 || wrong.length > 0) {
    throw new RosterRefusedError(
      'roster-shrinks-silently',
      unnamed.length > 0
        ? `${unnamed.join(', ')} would vanish without being named as removed. Ask the coordinator’s administrator why.`
        : `${wrong.join(', ')} is named as removed and is not. Ask the coordinator’s administrator why.`,
    );
  }
}

/** Members' entries stay word for word, unless a rotation signed by the old key adds new ones and shortens the old. */
function checkKeys(next: Roster, previous: Roster | null): void {
  if (previous === null && (next.rotations.length > 0 || next.removed.length > 0)) {
    throw new RosterRefusedError('roster-keys-replaced', 'the first epoch can change nobody.');
  }
  const before = new Set(memberNames(previous));
  for (const site of memberNames(next)) {
    const entries = next.sites.filter((member) => member.site === site);
    const known = previous?.sites.filter((member) => member.site === site) ?? [];
    if (!before.has(site)) {
      if (entries.length === 1) continue;
      throw new RosterRefusedError('roster-keys-replaced', `the new site ${site} needs one pair of keys.`);
    }
    const expected = withRotation(known, next, site);
    if (expected === null || JSON.stringify(expected) !== JSON.stringify(entries.map(plain))) {
      throw new RosterRefusedError(
        'roster-keys-replaced',
        `the keys of ${site} change without being signed by its old ones. Telephone ${site} and compare the words of its fingerprint.`,
      );
    }
  }
}

/** The entries a site must have now; null when its rotation is not one. */
function withRotation(known: readonly RosterMember[], next: Roster, site: string): RosterMember[] | null {
  const rotations = next.rotations.filter((candidate) => candidate.site === site);
  const [rotation] = rotations;
  if (rotation === undefined) return known.map(plain);
  const newest = known.at(-1);
  if (rotations.length > 1 || newest?.signingKey !== rotation.oldSigningKey) return null;
  if (!isRotationSigned(rotation, next.coordinator)) return null;
  const added = next.sites.find(({ signingKey }) => signingKey === rotation.signingKey);
  return added === undefined ? null : rotatedEntries(newest, rotation, added.notBeforeMillis);
}

type NewKeys = Pick<RosterMember, 'signingKey' | 'sealingKey'>;

function rotatedEntries(old: RosterMember, { signingKey, sealingKey }: NewKeys, atMillis: number): RosterMember[] {
  const { site } = old;
  const notAfterMillis = Math.min(old.notAfterMillis, atMillis + KEY_OVERLAP_MILLIS);
  return [
    plain({ ...old, notAfterMillis }),
    plain({ site, signingKey, sealingKey, notBeforeMillis: atMillis, notAfterMillis: atMillis + KEY_LIFETIME_MILLIS }),
  ];
}

/** With its members in one order, so that two can be compared as text. */
function plain({ site, signingKey, sealingKey, notBeforeMillis, notAfterMillis }: RosterMember): RosterMember {
  return { site, signingKey, sealingKey, notBeforeMillis, notAfterMillis };
}

export interface RosterChange {
  readonly add?: readonly (NewKeys & { readonly site: string })[];
  readonly remove?: readonly string[];
  readonly rotate?: Roster['rotations'];
}

/** The epoch after `previous` (null for the first) with the change; unsigned. */
export function nextRoster(
  previous: Roster | null,
  change: RosterChange,
  { coordinator, nowMillis }: { readonly coordinator: string; readonly nowMillis: number },
): Roster {
  const { add = [], remove = [], rotate = [] } = change;
  const rotated = new Map(rotate.map((rotation) => [rotation.site, rotation]));
  const staying = memberNames(previous).filter((site) => !remove.includes(site));
  const sites = staying.flatMap((site) => {
    const known = previous?.sites.filter((member) => member.site === site) ?? [];
    const rotation = rotated.get(site);
    const newest = known.at(-1);
    return rotation === undefined || newest === undefined
      ? known
      : rotatedEntries(newest, rotation, Math.max(nowMillis, newest.notBeforeMillis + 1));
  });
  const added = add.map(({ site, signingKey, sealingKey }) =>
    plain({
      site,
      signingKey,
      sealingKey,
      notBeforeMillis: nowMillis,
      notAfterMillis: nowMillis + KEY_LIFETIME_MILLIS,
    }),
  );
  return {
    format: 'wardround-roster/1',
    coordinator,
    epoch: (previous?.epoch ?? 0) + 1,
    sites: [...sites, ...added].sort((a, b) =>
      a.site === b.site ? a.notBeforeMillis - b.notBeforeMillis : a.site < b.site ? -1 : 1,
    ),
    removed: [...remove].sort(),
    rotations: [...rotate],
    previousHash: previous === null ? null : rosterHash(previous),
  };
}

/**
 * The chain this side believes after it was shown another one.
 *
 * @returns the pinned chain with the epochs that follow, checked one by one; the pinned one when nothing is new.
 * @throws {RosterRefusedError} when what is shown contradicts what is pinned, or does not follow from it.
 */
export function extendChain(
  pinned: readonly SignedRoster[],
  shown: readonly SignedRoster[],
  anchor: RosterAnchor,
): SignedRoster[] {
  const chain = [...pinned];
  for (const next of shown) {
    const known = chain[next.roster.epoch - 1];
    if (known !== undefined) {
      if (rosterHash(known.roster) === rosterHash(next.roster)) continue;
      throw new RosterRefusedError(
        'roster-forked',
        `epoch ${next.roster.epoch} is not the one this side has pinned. Somebody shows different rosters to different sites: compare yours with theirs.`,
      );
    }
    checkNextRoster(next, chain.at(-1)?.roster ?? null, anchor);
    chain.push(next);
  }
  return chain;
}
