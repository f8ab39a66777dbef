/** The balancer of coordinators.yaml before two replicas on one PostgreSQL, as the compose file and the chart have them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { openAdminClient } from '@wardround/coordinator/cli/admin-client.ts';
import type { InvitationAnswer, LaunchAnswer, StudyAnswer } from '@wardround/coordinator/edge/admin-messages.ts';
import { type RunningCoordinator, startCoordinator } from '@wardround/coordinator/start-coordinator.ts';
import { describeOnPostgresql } from '@wardround/coordinator/testing/describe-on-each-database.ts';
import { testPlan } from '@wardround/coordinator/testing/test-coordinator.ts';
import { createTestSite, joinTestSite } from '@wardround/coordinator/testing/test-site.ts';
import { encodeIdentity, generateIdentity } from '@wardround/shared/crypto/identity.ts';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { missingForNginx, type RunningNginx, startNginx } from './testing/start-nginx.ts';

describeOnPostgresql('nginx before two replicas', (database) => {
  let folder: string;
  let replicas: [RunningCoordinator, RunningCoordinator];
  let nginx: RunningNginx;

  const start = (name: string, port: number): Promise<RunningCoordinator> =>
    startCoordinator({
      stateFolder: path.join(folder, name),
      databaseUrl: database.url(),
      replica: true,
      blobStore: path.join(folder, 'blobs'),
      identityFile: path.join(folder, 'identity.json'),
      host: '127.0.0.1',
      port,
      publicUrl: null,
      admitInvited: true,
      tls: null,
      log: pino({ level: 'silent' }),
    });
  const portOf = ({ publicUrl }: RunningCoordinator): number => Number(new URL(publicUrl).port);

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'replicas-'));
    await writeFile(path.join(folder, 'identity.json'), encodeIdentity(generateIdentity()));
    replicas = [await start('a', 0), await start('b', 0)];
    if (missingForNginx !== null) return;
    nginx = await startNginx([portOf(replicas[0]), portOf(replicas[1])]);
    setDefaultCACertificates([...getCACertificates('default'), nginx.certificate]);
  });
  afterEach(async () => {
    await nginx?.close();
    for (const replica of replicas) await replica.close();
    await rm(folder, { recursive: true });
  });

  test.skipIf(missingForNginx !== null)(
    'finishes a study while both are restarted in turn',
    { timeout: 120_000 },
    async () => {
      const admin = await openAdminClient(path.join(folder, 'a'));
      const { token } = await admin.post<InvitationAnswer>('/v1/admin/invitations', { site: 'basel' });
      const joined = await joinTestSite(token);
      const basel = createTestSite({ ...joined, coordinator: { ...joined.coordinator, url: nginx.url } });
      const { study } = await admin.post<LaunchAnswer>('/v1/admin/studies', testPlan({ quorum: 1, rounds: 2 }));
      const names = ['a', 'b'] as const;
      let restarts = 0;
      const seen = new Set<string>();
      const troubles: string[] = [];
      /** What a site does when a replica went away in the middle: it asks for work again. */
      const orAgain = async (error: unknown): Promise<null> => {
        troubles.push(error instanceof Error ? error.message : 'unknown');
        if (troubles.length > 300) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
        return null;
      };
      for (;;) {
        const work = await basel.work().catch(orAgain);
        if (work === null) continue;
        if (work.kind === 'idle') {
          if (seen.has('evaluate')) break;
          await new Promise((resolve) => setTimeout(resolve, 50));
          continue;
        }
        const isAway = work.kind === 'train' && seen.has('train') && restarts < 2 ? (restarts as 0 | 1) : null;
        const port = isAway === null ? 0 : portOf(replicas[isAway]);
        if (isAway !== null) await replicas[isAway].close();
        await basel.doWork(work).catch(orAgain);
        seen.add(work.kind);
        if (isAway === null) continue;
        replicas[isAway] = await start(names[isAway], port);
        restarts += 1;
      }
      const { state } = await (await openAdminClient(path.join(folder, 'b'))).get<StudyAnswer>(
        `/v1/admin/studies/${study}`,
      );
      expect([state.phase.kind, restarts]).toEqual(['finished', 2]);
    },
  );
});
