import { ADMINISTRATOR, type SignedRoster } from '@wardround/protocols/enrolment/roster.ts';
import { nextRoster } from '@wardround/protocols/enrolment/roster-chain.ts';
import { approveRoster } from '@wardround/protocols/enrolment/roster-signatures.ts';
import { fingerprint, generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { expect, test } from 'vitest';
import { describeOnEachDatabase } from '../testing/describe-on-each-database.ts';
import { createRosterTable } from './roster-table.ts';

const identity = generateIdentity();

function signed(site: string, nowMillis: number): SignedRoster {
  const coordinator = fingerprint(publicKeys(identity));
  const roster = nextRoster(null, { add: [{ site, ...publicKeys(generateIdentity()) }] }, { coordinator, nowMillis });
  return { roster, approvals: [approveRoster(roster, { by: ADMINISTRATOR, identity })] };
}

describeOnEachDatabase('createRosterTable()', (place) => {
  test('keeps one proposal, and gives it up for the epoch that is adopted', async () => {
    const table = createRosterTable(await place.open());
    const [first, second] = [signed('basel', 1), signed('geneva', 2)];
    expect(await table.readProposal()).toBeNull();
    await table.propose(first);
    await table.propose(second);
    expect(await table.readProposal()).toEqual(second);
    await table.adopt(second);
    expect(await table.readProposal()).toBeNull();
    expect(await createRosterTable(await place.open()).read()).toEqual([second]);
    await table.propose(first);
    await table.withdraw();
    expect(await table.readProposal()).toBeNull();
  });

  test('takes the same epoch again when its answer was lost, and no other in its place', async () => {
    const table = createRosterTable(await place.open());
    const [first, second] = [signed('basel', 1), signed('geneva', 2)];
    await table.adopt(first);
    await table.adopt(first);
    await table.propose(second);
    await expect(table.adopt(second)).rejects.toThrow(/different/);
    expect(await table.read()).toEqual([first]);
    expect(await table.readProposal()).toEqual(second);
  });
});
