/**
 * Fault 58: a coordinator's whole folder is put back to an older copy. Every site has seen a longer log or a later epoch of the
 * roster: it works for nobody until people have looked at it, and says so. Even where they let it pass, nothing that was
 * revealed for a round is revealed for it again.
 */
import { cp, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { SEEN_CHECKPOINT } from '@wardround/client/audit/audit-files.ts';
import { readStateFile } from '@wardround/client/state/state-file.ts';
import { openAdminClient } from '@wardround/coordinator/cli/admin-client.ts';
import type { InvitationAnswer } from '@wardround/coordinator/edge/admin-messages.ts';
import { joinTestSite } from '@wardround/coordinator/testing/test-site.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { chaosPlan } from '../consortium/chaos-plan.ts';
import { type Consortium, startConsortium } from '../consortium/start-consortium.ts';
import { assertSecondRevealNever, watchLedgers } from '../oracles/promises.ts';
import { outcomesOf, siteNames, startAll } from './through-fault.ts';

const here = { where: 'here' } as const;
const soon = { timeout: 30_000, interval: 100 };
const everybody = siteNames(3);

let consortium: Consortium;
beforeEach(async () => {
  consortium = await startConsortium({ sites: 3 });
});
afterEach(() => consortium.close());

const copy = () => path.join(consortium.folder, 'older');

/** A copy as a backup makes it while nothing runs. */
async function backUp(): Promise<void> {
  await consortium.coordinator().stop();
  await cp(consortium.coordinatorFolder, copy(), { recursive: true });
  await consortium.startCoordinator(here);
}

async function putBack(): Promise<void> {
  await consortium.coordinator().stop();
  await rm(consortium.coordinatorFolder, { recursive: true });
  await cp(copy(), consortium.coordinatorFolder, { recursive: true });
  await consortium.startCoordinator(here);
}

const plan = (name: string) =>
  chaosPlan({ name, rounds: 1, quorum: 3, sessionDeadlineSeconds: 8, roundDeadlineSeconds: 8 });
const logsOf = () => Promise.all(consortium.sites.map(({ logFile }) => readFile(logFile, 'utf8')));
const saidBy = (study: string) => consortium.evidence.said.filter((word) => word.study === study);
/** What each site believes of the log. */
const seenNotes = () =>
  Promise.all(consortium.sites.map(async ({ folder }) => (await readStateFile(folder, SEEN_CHECKPOINT))?.note ?? null));

describe('a coordinator that was put back to an older copy', () => {
  test('fault 58: is worked for by no site, which all say why, and nothing is revealed twice where they let it pass', {
    timeout: 120_000,
  }, async () => {
    const assertLedgerMonotone = watchLedgers(consortium);
    startAll(consortium);
    const first = await consortium.launch(plan('first'));
    expect(outcomesOf(await consortium.untilOver(first))).toEqual([everybody]);
    await backUp();
    const before = await seenNotes();
    const second = await consortium.launch(plan('second'));
    expect(outcomesOf(await consortium.untilOver(second))).toEqual([everybody]);
    // Each has seen the log with the second study in it.
    await vi.waitFor(async () => {
      for (const [index, note] of (await seenNotes()).entries()) expect(note).not.toBe(before[index]);
    }, soon);
    const revealed = saidBy(second).filter(({ step }) => step === 'unmask').length;
    expect(revealed).toBe(3);

    await putBack();
    // The very same study once more: with other survivors its sums would give a site away.
    expect(await consortium.launch(plan('second'))).toBe(second);
    await vi.waitFor(async () => {
      for (const log of await logsOf()) expect(log).toContain('it was cut or put back');
    }, soon);
    const refused = await consortium.untilOver(second);
    expect(refused.phase).toMatchObject({ kind: 'failed' });
    expect(refused.stages.flatMap(({ rounds }) => rounds)).toEqual([]);
    expect(saidBy(second).filter(({ step }) => step === 'unmask')).toHaveLength(revealed);

    // People agree that it was a backup and let it pass, as the message says: sites remember their rounds all the same.
    await putBack();
    for (const { folder, party } of consortium.sites) {
      await party().stop();
      await rm(path.join(folder, SEEN_CHECKPOINT.name));
    }
    startAll(consortium);
    expect(await consortium.launch(plan('second'))).toBe(second);
    const again = await consortium.untilOver(second);
    expect(again.phase).toMatchObject({ kind: 'failed' });
    expect(outcomesOf(again).filter((outcome) => typeof outcome !== 'string')).toEqual([]);
    assertSecondRevealNever(consortium);
    expect(saidBy(second).filter(({ step }) => step === 'unmask')).toHaveLength(revealed);
    // What is new to everybody goes on.
    const third = await consortium.launch(plan('third'));
    expect(outcomesOf(await consortium.untilOver(third))).toEqual([everybody]);
    assertSecondRevealNever(consortium);
    await assertLedgerMonotone();
  });

  test('fault 58: shows fewer epochs of the roster than sites have pinned, and is worked for by none', {
    timeout: 90_000,
  }, async () => {
    await backUp();
    const admin = await openAdminClient(consortium.coordinatorFolder);
    const { token } = await admin.post<InvitationAnswer>('/v1/admin/invitations', { site: 'newcomer' });
    await joinTestSite(
      token,
      consortium.sites.map(({ joined }) => joined),
    );
    startAll(consortium);
    await vi.waitFor(async () => {
      for (const log of await logsOf()) expect(log).toContain('newcomer joins');
    }, soon);
    await putBack();
    const study = await consortium.launch(plan('after'));
    await vi.waitFor(async () => {
      for (const log of await logsOf())
        expect(log).toMatch(/the coordinator shows 3 epochs, and this site has pinned 4/);
    }, soon);
    await consortium.untilOver(study);
    expect(saidBy(study)).toEqual([]);
  });
});
