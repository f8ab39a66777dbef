import { beforeEach, expect, test } from 'vitest';
import { describeOnEachDatabase } from '../testing/describe-on-each-database.ts';
import type { Database } from './database.ts';
import { createSiteTable, type SiteTable } from './site-table.ts';

describeOnEachDatabase('createSiteTable()', (place) => {
  const site = { site: 'basel', signingKey: 'k', sealingKey: 's', status: 'pending', enrolledAtMillis: 1 } as const;
  const invitation = { secretHash: 'h', site: 'basel', expiresAtMillis: 9, usedByKey: null };
  let database: Database;
  let table: SiteTable;
  beforeEach(async () => {
    database = await place.open();
    table = createSiteTable(database);
  });

  test('spends an invitation once', async () => {
    await table.addInvitation(invitation);
    expect(await table.enrol(site, 'unknown')).toBe(false);
    expect(await table.findSite('basel')).toBeNull();
    expect(await table.enrol(site, 'h')).toBe(true);
    expect(await table.enrol({ ...site, site: 'geneva' }, 'h')).toBe(false);
    expect(await table.findInvitation('h')).toMatchObject({ usedByKey: 'k' });
    expect(await table.sites()).toEqual([site]);
  });

  test('spends an invitation once among requests that come at the same time', async () => {
    await table.addInvitation(invitation);
    const other = createSiteTable(await place.openBeside(database));
    const enrolled = await Promise.all([
      table.enrol({ ...site, signingKey: 'k1' }, 'h'),
      other.enrol({ ...site, signingKey: 'k2' }, 'h'),
    ]);
    expect(enrolled.filter(Boolean)).toHaveLength(1);
    expect((await table.findInvitation('h'))?.usedByKey).toBe((await table.findSite('basel'))?.signingKey);
  });

  test('replaces the unused invitation of a site', async () => {
    await table.addInvitation({ ...invitation, secretHash: 'h1' });
    await table.addInvitation({ ...invitation, secretHash: 'h2' });
    expect((await table.openInvitations()).map(({ secretHash }) => secretHash)).toEqual(['h2']);
  });

  test('admits enrolled sites only, changes their keys and takes them out', async () => {
    expect(await table.admit('basel')).toBe(false);
    await table.addInvitation(invitation);
    await table.enrol(site, 'h');
    expect(await table.admit('basel')).toBe(true);
    expect(await table.replaceKeys({ site: 'basel', signingKey: 'k2', sealingKey: 's2' })).toBe(true);
    expect(await table.findSite('basel')).toEqual({ ...site, signingKey: 'k2', sealingKey: 's2', status: 'admitted' });
    expect(await table.revoke('basel')).toBe(true);
    expect(await table.admit('basel')).toBe(false);
    expect(await table.findSite('basel')).toMatchObject({ status: 'revoked' });
  });
});
