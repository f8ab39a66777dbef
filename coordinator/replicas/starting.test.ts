/** Which coordinators may run on one database, and what the first replica takes over from the one before it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readAuditFolder } from '../audit/read-audit.ts';
import { openAdminClient } from '../cli/admin-client.ts';
import type { InvitationAnswer, SitesAnswer } from '../edge/admin-messages.ts';
import { type CoordinatorOptions, type RunningCoordinator, startCoordinator } from '../start-coordinator.ts';
import { stateFolder } from '../storage/state-folder.ts';
import { describeOnPostgresql } from '../testing/describe-on-each-database.ts';
import { joinTestSite } from '../testing/test-site.ts';
import { readAuditTable } from './audit-table.ts';

const log = pino({ level: 'silent' });

describeOnPostgresql('coordinators on one database', (place) => {
  let folder: string;
  const running: RunningCoordinator[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'starting-'));
  });
  afterEach(async () => {
    for (const coordinator of running.splice(0)) await coordinator.close();
    await rm(folder, { recursive: true });
  });

  const state = (name: string): string => path.join(folder, name);
  const start = async (name: string, changes: Partial<CoordinatorOptions> = {}): Promise<RunningCoordinator> => {
    const coordinator = await startCoordinator({
      ...{ stateFolder: state(name), databaseUrl: place.url(), host: '127.0.0.1', port: 0, publicUrl: null },
      ...{ admitInvited: true, tls: null, log },
      ...changes,
    });
    running.push(coordinator);
    return coordinator;
  };
  const stop = async (coordinator: RunningCoordinator): Promise<void> => {
    running.splice(running.indexOf(coordinator), 1);
    await coordinator.close();
  };
  const replica = (name: string, changes: Partial<CoordinatorOptions> = {}): Promise<RunningCoordinator> =>
    start(name, {
      replica: true,
      blobStore: state('blobs'),
      identityFile: stateFolder(state('first')).identity,
      ...changes,
    });

  test('go on as replicas where one ran alone, with its keys, its log and its sites', async () => {
    const alone = await start('first', { blobStore: state('blobs') });
    const { token } = await (await openAdminClient(state('first'))).post<InvitationAnswer>('/v1/admin/invitations', {
      site: 'basel',
    });
    await joinTestSite(token);
    await expect(start('another')).rejects.toThrow('another coordinator runs on this database');
    await expect(replica('second')).rejects.toThrow('a coordinator without --replica runs on this database');
    await stop(alone);

    const first = await replica('first', { identityFile: null });
    const second = await replica('second');
    expect(second.fingerprint).toBe(alone.fingerprint);
    expect(first.fingerprint).toBe(alone.fingerprint);
    const stored = await readAuditTable(await place.open());
    expect(stored?.lines).toEqual((await readAuditFolder(stateFolder(state('first')).audit))?.lines);
    expect(stored?.lines.length).toBeGreaterThan(0);
    // The command line of either asks its own, which know the same.
    const seen = await (await openAdminClient(state('second'))).get<SitesAnswer>('/v1/admin/sites');
    expect(seen.sites.map(({ site, status }) => [site, status])).toEqual([['basel', 'admitted']]);

    await expect(start('third')).rejects.toThrow('another coordinator runs on this database');
    await stop(first);
    await stop(second);
    await expect(start('first')).rejects.toThrow('Start with --replica');
  });

  test('do not start where replicas could not see one another’s state, or have other keys', async () => {
    await expect(replica('first', { identityFile: null, blobStore: null })).rejects.toThrow('needed --blob-store');
    await expect(replica('first', { identityFile: null, databaseUrl: null })).rejects.toThrow('PostgreSQL');
    await replica('first', { identityFile: null });
    await expect(replica('second', { identityFile: null })).rejects.toThrow('a coordinator with other keys');
    await expect(replica('third', { identityFile: state('nothing') })).rejects.toThrow('--identity names no file');
  });
});
