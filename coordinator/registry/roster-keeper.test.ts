import { ADMINISTRATOR, memberNames, type Roster, rosterHash } from '@wardround/protocols/enrolment/roster.ts';
import { extendChain } from '@wardround/protocols/enrolment/roster-chain.ts';
import { approveRoster } from '@wardround/protocols/enrolment/roster-signatures.ts';
import { fingerprint, generateIdentity, type Identity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { beforeEach, describe, expect, test } from 'vitest';
import { openDatabase } from '../storage/open-database.ts';
import { createRosterTable, type RosterTable } from '../storage/roster-table.ts';
import { createRosterKeeper, type RosterKeeper } from './roster-keeper.ts';

const administrator = generateIdentity();
const keys = publicKeys(administrator);
const anchor = { fingerprint: fingerprint(keys), signingKey: keys.signingKey };
const identities = new Map(['basel', 'bern', 'chur', 'davos'].map((site) => [site, generateIdentity()]));
const identity = (site: string): Identity => identities.get(site)!;
const newcomer = (site: string) => ({ site, ...publicKeys(identity(site)) });

let table: RosterTable;
let keeper: RosterKeeper;
let epochs: string[][];
let asked: (readonly string[])[];

function open(): Promise<RosterKeeper> {
  return createRosterKeeper(table, {
    identity: administrator,
    ...anchor,
    now: () => 1_790_000_000_000,
    onEpoch: async (roster) => void epochs.push(memberNames(roster)),
    onProposal: (members) => void asked.push(members),
  });
}

beforeEach(async () => {
  table = createRosterTable(await openDatabase({ kind: 'sqlite', file: ':memory:' }));
  epochs = [];
  asked = [];
  keeper = await open();
});

const proposed = (): Roster => keeper.proposal()!.roster;
const approve = (site: string, signer = identity(site)) =>
  keeper.approve(rosterHash(proposed()), approveRoster(proposed(), { by: site, identity: signer }));

async function found(...sites: readonly string[]): Promise<void> {
  for (const site of sites) {
    const members = memberNames(keeper.newest());
    await keeper.propose({ add: [newcomer(site)] });
    for (const member of members.slice(0, 2)) await approve(member);
  }
}

describe('createRosterKeeper()', () => {
  test('founds with one site and then asks members, one by one', async () => {
    await found('basel', 'bern', 'chur');
    expect(epochs).toEqual([['basel'], ['basel', 'bern'], ['basel', 'bern', 'chur']]);
    expect(asked).toEqual([['basel'], ['basel', 'bern']]);
    expect(extendChain([], keeper.chain(), anchor)).toHaveLength(3);
  });

  test('adopts nothing before enough have approved, also after a restart', async () => {
    await found('basel', 'bern');
    await keeper.propose({ add: [newcomer('chur')] });
    await approve('basel');
    await approve('basel');
    keeper = await open();
    expect(memberNames(keeper.newest())).toEqual(['basel', 'bern']);
    expect(keeper.waiting()).toEqual({ of: ['basel', 'bern'], count: 2, given: ['basel'] });
    await approve('bern');
    expect(memberNames(keeper.newest())).toEqual(['basel', 'bern', 'chur']);
    expect((await open()).proposal()).toBeNull();
  });

  test('adds what comes while something waits, and asks anew', async () => {
    await found('basel', 'bern');
    await keeper.propose({ add: [newcomer('chur')] });
    await approve('basel');
    const before = rosterHash(proposed());
    await keeper.propose({ add: [newcomer('davos')] });
    expect(keeper.waiting()?.given).toEqual([]);
    expect(memberNames(proposed())).toEqual(['basel', 'bern', 'chur', 'davos']);
    const stale = approveRoster(proposed(), { by: 'bern', identity: identity('bern') });
    await expect(keeper.approve(before, stale)).rejects.toMatchObject({ code: 'roster-not-proposed' });
    await keeper.propose({ remove: ['chur'] });
    expect(memberNames(proposed())).toEqual(['basel', 'bern', 'davos']);
    await keeper.propose({ remove: ['davos'] });
    expect(keeper.proposal()).toBeNull();
    expect((await open()).proposal()).toBeNull();
  });

  test.each([
    ['of the newcomer itself', 'chur', () => identity('chur')],
    ['of a member, signed by somebody else', 'basel', () => identity('chur')],
    ['of the administrator in a member’s place', ADMINISTRATOR, () => administrator],
  ])('refuses the approval %s (roster-approval-invalid)', async (_, by, signer) => {
    await found('basel', 'bern');
    await keeper.propose({ add: [newcomer('chur')] });
    await expect(approve(by, signer())).rejects.toMatchObject({ code: 'roster-approval-invalid' });
    expect(keeper.waiting()?.given).toEqual([]);
  });

  test('does not ask the one who is taken out', async () => {
    await found('basel', 'bern', 'chur');
    await keeper.propose({ remove: ['bern'] });
    expect(asked.at(-1)).toEqual(['basel', 'chur']);
    await expect(approve('bern')).resolves.toBeUndefined();
    expect(keeper.waiting()?.given).toEqual([]);
    await approve('basel');
    await approve('chur');
    expect(memberNames(keeper.newest())).toEqual(['basel', 'chur']);
    expect(keeper.newest()?.removed).toEqual(['bern']);
  });

  test('refuses keys that are a member’s already', async () => {
    await found('basel');
    const twin = { ...newcomer('bern'), signingKey: newcomer('basel').signingKey };
    await expect(keeper.propose({ add: [twin] })).rejects.toMatchObject({ code: 'roster-keys-unusable' });
  });
});
