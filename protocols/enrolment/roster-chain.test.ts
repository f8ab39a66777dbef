import { encodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import { fingerprint, generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { describe, expect, test } from 'vitest';
import {
  ADMINISTRATOR,
  findMember,
  KEY_LIFETIME_MILLIS,
  KEY_OVERLAP_MILLIS,
  memberKeys,
  memberNames,
  type Roster,
  SignedRoster,
} from './roster.ts';
import {
  checkNextRoster,
  extendChain,
  memberApprovals,
  nextRoster,
  type RosterChange,
  type RosterFault,
  requiredApprovals,
} from './roster-chain.ts';
import { rosterDifference, words } from './roster-difference.ts';
import { approveRoster, rotateKeys } from './roster-signatures.ts';

const nowMillis = 1_790_000_000_000;
const administrator = generateIdentity();
const anchor = {
  fingerprint: fingerprint(publicKeys(administrator)),
  signingKey: publicKeys(administrator).signingKey,
};
const at = { coordinator: anchor.fingerprint, nowMillis };
const identities = new Map(['basel', 'bern', 'chur', 'davos', 'evil'].map((site) => [site, generateIdentity()]));
const identity = (site: string) => identities.get(site)!;
const newcomer = (site: string) => ({ site, ...publicKeys(identity(site)) });

function sign(roster: Roster, ...by: string[]): SignedRoster {
  const approvals = by.map((name) =>
    approveRoster(roster, { by: name, identity: name === ADMINISTRATOR ? administrator : identity(name) }),
  );
  return SignedRoster.parse({ roster, approvals });
}

/** Four epochs, by which the four sites came in one after the other. */
function grow(): SignedRoster[] {
  const chain: SignedRoster[] = [];
  for (const site of ['basel', 'bern', 'chur', 'davos']) {
    const previous = chain.at(-1)?.roster ?? null;
    const roster = nextRoster(previous, { add: [newcomer(site)] }, at);
    chain.push(sign(roster, ADMINISTRATOR, ...memberNames(previous).slice(0, 2)));
  }
  return chain;
}

const chain = grow();
const newest = chain.at(-1)!.roster;
const next = (change: RosterChange, changed: Partial<Roster> = {}) => ({
  ...nextRoster(newest, change, at),
  ...changed,
});

function refused(code: RosterFault, signed: SignedRoster, previous: Roster | null = newest): void {
  expect(() => checkNextRoster(signed, previous, anchor)).toThrow(expect.objectContaining({ code }));
}

const rotation = (site: string, to = generateIdentity(), signer = identity(site)) =>
  rotateKeys({
    coordinator: anchor.fingerprint,
    site,
    old: { signingSeed: signer.signingSeed, signingKey: publicKeys(identity(site)).signingKey },
    next: { ...to, ...publicKeys(to) },
  });

describe('a chain of rosters', () => {
  test('is founded by the administrator alone and grows with the approval of min(2, n) members', () => {
    expect(chain.map(({ roster }) => memberNames(roster).length)).toEqual([1, 2, 3, 4]);
    expect(chain.map(({ approvals }) => approvals.length)).toEqual([1, 2, 3, 3]);
    expect(extendChain([], chain, anchor)).toEqual(chain);
    expect(extendChain(chain.slice(0, 2), chain, anchor)).toEqual(chain);
    expect(extendChain(chain, chain.slice(0, 2), anchor)).toEqual(chain);
  });

  test('finds members by their keys and time', () => {
    expect(findMember(newest, 'chur', nowMillis)).toMatchObject(newcomer('chur'));
    expect(findMember(newest, 'chur', nowMillis - 1)).toBeNull();
    expect(findMember(newest, 'chur', nowMillis + KEY_LIFETIME_MILLIS)).toBeNull();
    expect(findMember(newest, 'evil', nowMillis)).toBeNull();
  });

  test('keeps the old keys beside the new ones for the overlap', () => {
    const to = generateIdentity();
    const roster = next({ rotate: [rotation('bern', to)] });
    checkNextRoster(sign(roster, ADMINISTRATOR, 'basel', 'chur'), newest, anchor);
    expect(findMember(roster, 'bern', nowMillis)).toMatchObject(newcomer('bern'));
    expect(findMember(roster, 'bern', nowMillis + 1)).toMatchObject(publicKeys(to));
    expect(memberKeys(roster, 'bern', nowMillis + KEY_OVERLAP_MILLIS)).toHaveLength(2);
    expect(memberKeys(roster, 'bern', nowMillis + KEY_OVERLAP_MILLIS + 1)).toHaveLength(1);
    expect(rosterDifference(newest, roster)).toEqual([`bern changes its keys: ${words(publicKeys(to))}.`]);
    expect(words(publicKeys(to)).split('-')).toHaveLength(6);
  });

  test('takes a site out by name, without asking it', () => {
    const roster = next({ remove: ['davos'] });
    expect(requiredApprovals(newest, roster)).toEqual({ of: ['basel', 'bern', 'chur'], count: 2 });
    checkNextRoster(sign(roster, ADMINISTRATOR, 'basel', 'bern'), newest, anchor);
    expect(rosterDifference(newest, roster)).toEqual(['davos leaves.']);
  });

  test('says in words who joins', () => {
    expect(rosterDifference(newest, next({ add: [newcomer('evil')] }))).toEqual([
      `evil joins: ${words(newcomer('evil'))}.`,
    ]);
    expect(rosterDifference(newest, newest)).toEqual(['Nothing changes.']);
  });
});

describe('the attack', () => {
  const admission = next({ add: [newcomer('evil')] });

  test.each([
    ['nobody', []],
    ['the administrator alone', [ADMINISTRATOR]],
    ['the administrator and one member', [ADMINISTRATOR, 'basel']],
    ['the administrator and one member twice', [ADMINISTRATOR, 'basel', 'basel']],
    ['the administrator, one member and the newcomer', [ADMINISTRATOR, 'basel', 'evil']],
    ['two members without the administrator', ['basel', 'bern']],
  ])('a newcomer brought in by %s is refused (roster-unapproved)', (_, by) => {
    refused('roster-unapproved', sign(admission, ...by));
    expect(() => checkNextRoster(sign(admission, ADMINISTRATOR, 'basel', 'bern'), newest, anchor)).not.toThrow();
  });

  test('approvals signed by somebody else or for another epoch are refused', () => {
    const forged = approveRoster(admission, { by: 'bern', identity: identity('evil') });
    const other = approveRoster(next({ remove: ['davos'] }), { by: 'bern', identity: identity('bern') });
    const { roster, approvals } = sign(admission, ADMINISTRATOR, 'basel');
    for (const approval of [forged, other])
      refused('roster-unapproved', { roster, approvals: [...approvals, approval] });
    expect(memberApprovals(newest, { roster, approvals: [...approvals, forged] })).toEqual(['basel']);
  });

  test('a site that vanishes without being named is refused (roster-shrinks-silently)', () => {
    const silent = next({}, { sites: newest.sites.filter(({ site }) => site !== 'davos') });
    refused('roster-shrinks-silently', sign(silent, ADMINISTRATOR, 'basel', 'bern'));
    expect(rosterDifference(newest, silent)).toEqual(['davos leaves, and is not named as removed.']);
    refused('roster-shrinks-silently', sign(next({}, { removed: ['davos'] }), ADMINISTRATOR, 'basel', 'bern'));
  });

  test('keys put in the place of a member’s are refused (roster-keys-replaced)', () => {
    const substituted = newest.sites.map((member) =>
      member.site === 'bern' ? { ...member, ...publicKeys(identity('evil')) } : member,
    );
    refused('roster-keys-replaced', sign(next({}, { sites: substituted }), ADMINISTRATOR, 'basel', 'chur'));
    const added = next({}, { sites: [...newest.sites, { ...newest.sites[1]!, ...publicKeys(identity('evil')) }] });
    refused('roster-keys-replaced', sign(added, ADMINISTRATOR, 'basel', 'chur'));
    const byStranger = next({ rotate: [rotation('bern', identity('evil'), identity('evil'))] });
    refused('roster-keys-replaced', sign(byStranger, ADMINISTRATOR, 'basel', 'chur'));
    const withoutProof = { ...rotation('bern', generateIdentity()), proof: encodeBase64Url(new Uint8Array(64)) };
    refused('roster-keys-replaced', sign(next({ rotate: [withoutProof] }), ADMINISTRATOR, 'basel', 'chur'));
  });

  test('a second history is refused (roster-forked), and a skipped or older epoch (roster-not-extending)', () => {
    const fork = sign(nextRoster(chain[2]!.roster, { add: [newcomer('evil')] }, at), ADMINISTRATOR, 'basel', 'bern');
    expect(() => extendChain(chain, [fork], anchor)).toThrow(expect.objectContaining({ code: 'roster-forked' }));
    refused('roster-not-extending', fork);
    refused('roster-not-extending', sign(next({}, { epoch: 6 }), ADMINISTRATOR, 'basel', 'bern'));
    refused('roster-not-extending', sign(next({}, { previousHash: 'a'.repeat(64) }), ADMINISTRATOR, 'basel', 'bern'));
    refused('roster-not-extending', chain[3]!, null);
  });

  test('keys of small order and keys of two names are refused (roster-keys-unusable)', () => {
    const weak = { ...newcomer('evil'), signingKey: encodeBase64Url(new Uint8Array(32)) };
    refused('roster-keys-unusable', sign(next({ add: [weak] }), ADMINISTRATOR, 'basel', 'bern'));
    const twin = { ...newcomer('evil'), signingKey: newcomer('bern').signingKey };
    refused('roster-keys-unusable', sign(next({ add: [twin] }), ADMINISTRATOR, 'basel', 'bern'));
  });

  test('another coordinator’s roster is refused (roster-of-another-coordinator)', () => {
    refused(
      'roster-of-another-coordinator',
      sign(next({}, { coordinator: 'b'.repeat(64) }), ADMINISTRATOR, 'basel', 'bern'),
    );
  });
});
