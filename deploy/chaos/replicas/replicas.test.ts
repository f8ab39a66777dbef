/** Real replicas on PostgreSQL: killed at random, killed while they lead, and frozen beyond their leases. */
import { setTimeout as delay } from 'node:timers/promises';
import { createAuditTable, readAuditTable } from '@wardround/coordinator/replicas/audit-table.ts';
import type { Database } from '@wardround/coordinator/storage/database.ts';
import { readIdentity } from '@wardround/coordinator/storage/identity-file.ts';
import { createJournal } from '@wardround/coordinator/storage/journal.ts';
import { describeOnPostgresql } from '@wardround/coordinator/testing/describe-on-each-database.ts';
import { startS3Server } from '@wardround/coordinator/testing/s3-server.ts';
import { compareJournals } from '@wardround/protocols/audit/compare-journals.ts';
import { studyEventHash } from '@wardround/protocols/audit/log-record.ts';
import { verifyLog } from '@wardround/protocols/audit/verify-log.ts';
import { isOver } from '@wardround/protocols/round/state.ts';
import { fingerprint, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { chaosPlan } from '../consortium/chaos-plan.ts';
import { faultFreeModels } from '../faults/fault-free-models.ts';
import { modelsOf } from '../oracles/promises.ts';
import { chaosSeed, withSeed } from '../seed/chaos-seed.ts';
import { type Replica, type Replicas, startReplicas } from './start-replicas.ts';

const plan = chaosPlan({ name: 'replicas', rounds: 3, quorum: 3 });
const leaseMillis = 1500;
/** A lease is looked at every third of its length, by processes that share this machine with many others. */
const slackMillis = 5000;

describeOnPostgresql('replicas', (place) => {
  let unharmed: readonly string[];
  let replicas: Replicas | null = null;
  beforeAll(async () => {
    unharmed = await faultFreeModels(plan, { sites: 3 });
  });
  afterEach(async () => {
    await replicas?.close();
    replicas = null;
  });

  const start = async (
    random: () => number,
    store: Pick<Parameters<typeof startReplicas>[0], 'blobStore' | 'env'> = {},
  ): Promise<Replicas> => {
    const size = { replicas: 2, sites: 3, leaseMillis } as const;
    replicas = await startReplicas({ ...size, ...store, databaseUrl: place.url()!, random });
    return replicas;
  };

  const leaderOf = async ({ all }: Replicas): Promise<Replica> => {
    const logs = await Promise.all(all.map((replica) => replica.log()));
    const led = logs.map((text) => Math.max(0, ...epochsIn(text)));
    return all[led.indexOf(Math.max(...led))]!;
  };

  test('lead a study to the same weights, whichever of them is killed when', { timeout: 180_000 }, async () => {
    const seed = chaosSeed();
    const repeat = (again: number) => `WARDROUND_CHAOS_SEED=${again} npx vitest run deploy/chaos/replicas`;
    await withSeed({ seed, repeat }, async () => {
      const random = createRandom(seed);
      const running = await start(() => random.next());
      const study = await running.launch(plan);
      running.startSites();
      let kills = 0;
      let isDone = false;
      const killing = (async () => {
        while (!isDone && kills < 8) {
          await delay(300 + 1200 * random.next());
          const victim = running.all[random.int(running.all.length)]!;
          if (isDone || !victim.isRunning()) continue;
          await victim.kill();
          kills += 1;
          await delay(800 * random.next());
          await victim.start();
        }
      })();
      const state = await running.untilOver(study, { timeoutMillis: 120_000 }).finally(() => {
        isDone = true;
      });
      await killing;
      expect(kills).toBeGreaterThan(0);
      expect(state.phase).toEqual({ kind: 'finished' });
      expect(modelsOf(state)).toEqual(unharmed);
      await assertOneHistory(await place.open(), running, study);
    });
  });

  test('take a study over from the one that was killed, within its lease, with blobs in S3', {
    timeout: 120_000,
  }, async () => {
    await using s3 = await startS3Server();
    const running = await start(Math.random, { blobStore: 's3://hospital/studies', env: s3.env });
    const study = await running.launch(plan);
    await vi.waitFor(async () => expect(epochsIn(await (await leaderOf(running)).log())).not.toEqual([]), {
      timeout: slackMillis,
    });
    const leader = await leaderOf(running);
    const other = running.all.find((replica) => replica !== leader)!;
    const epoch = Math.max(...epochsIn(await leader.log()));
    await leader.kill();
    await vi.waitFor(async () => expect(epochsIn(await other.log())).toContain(epoch + 1), {
      timeout: leaseMillis + leaseMillis / 3 + slackMillis,
      interval: 50,
    });
    running.startSites();
    const state = await running.untilOver(study, { timeoutMillis: 60_000 });
    expect(modelsOf(state)).toEqual(unharmed);
    expect(s3.refused()).toBe(0);
    expect([...s3.objects.keys()].filter((name) => name.startsWith('hospital/studies/published/'))).not.toEqual([]);
    expect([...s3.objects.keys()].filter((name) => name.startsWith('hospital/studies/pieces/'))).toEqual([]);
  });

  test('refuse what one says that was frozen beyond its lease', { timeout: 120_000 }, async () => {
    const running = await start(Math.random);
    const study = await running.launch(plan);
    running.startSites();
    await vi.waitFor(
      async () => expect((await running.state(study))?.stages[0]?.rounds.length ?? 0).toBeGreaterThan(0),
      { timeout: 30_000, interval: 20 },
    );
    const frozen = await leaderOf(running);
    const other = running.all.filter((replica) => replica !== frozen);
    frozen.freeze();
    const until = performance.now() + 60_000;
    while (performance.now() < until) {
      const state = await running.state(study, other);
      if (state !== null && isOver(state)) break;
      await delay(200);
    }
    const before = await running.state(study, other);
    frozen.thaw();
    const database = await place.open();
    const length = (await createJournal(database).read(study)).length;
    // It finds out that it leads nothing any more, and goes on as a follower.
    await vi.waitFor(async () => expect(await running.state(study, [frozen])).toEqual(before), {
      timeout: slackMillis,
      interval: 100,
    });
    await delay(leaseMillis);
    expect((await createJournal(database).read(study)).length).toBe(length);
    expect(before?.phase).toEqual({ kind: 'finished' });
    expect(modelsOf(before!)).toEqual(unharmed);
    await assertOneHistory(database, running, study);
  });
});

/** The journal is whole, the log is whole and agrees with it, and there is one checkpoint of a size. */
async function assertOneHistory(database: Database, { identityFile }: Replicas, study: string): Promise<void> {
  const keys = publicKeys((await readIdentity(identityFile))!);
  const stored = await readAuditTable(database);
  const finding = verifyLog(stored?.lines ?? [], {
    log: { fingerprint: fingerprint(keys), signingKey: keys.signingKey },
    checkpoints: stored?.checkpoints ?? [],
  });
  if (!finding.ok) throw new Error(finding.fault.sentence);
  const events = await createJournal(database).read(study);
  const compared = compareJournals(finding.records, [{ study, events: events.map(studyEventHash) }]);
  expect(compared).toEqual({ ok: true, missing: [] });
  expect(finding.checkpoints).toBeGreaterThanOrEqual(plan.stages[0]!.rounds);
  expect(await createAuditTable(database).checkpoints.sizes()).toHaveLength(finding.checkpoints);
}

function epochsIn(log: string): number[] {
  return [...log.matchAll(/"epoch":(\d+),"msg":"leads-study"/g)].map((found) => Number(found[1]));
}
