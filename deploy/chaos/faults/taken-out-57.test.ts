/**
 * Fault 57: in the middle of a round a site is revoked, or changes its keys. A revoked site is out of the round at once and
 * of the session's next attempt, unless shares were asked for: then it is out of the next one. A site with new keys goes on.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeNextIdentity } from '@wardround/client/roster/next-identity.ts';
import { readSiteIdentity } from '@wardround/client/state/site-identity.ts';
import { openAdminClient } from '@wardround/coordinator/cli/admin-client.ts';
import { publicKeys } from '@wardround/shared/crypto/identity.ts';
import { SIGNATURE_HEADERS } from '@wardround/shared/crypto/signed-request.ts';
import { describe, expect, test, vi } from 'vitest';
import { chaosPlan } from '../consortium/chaos-plan.ts';
import type { Consortium } from '../consortium/start-consortium.ts';
import { outcomesOf, siteNames, startAll, throughFault, untilState } from './through-fault.ts';

const everybody = siteNames(4);
const others = everybody.slice(0, -1);
const leaver = everybody.at(-1)!;

/** What is lost is soon said again. */
const consortiumOf = { sites: everybody.length, idleTimeoutMillis: 2000 };

/** Members approve each other's changes by themselves, as some consortia wish. */
async function approveAutomatically({ sites }: Consortium): Promise<void> {
  const policy = { format: 'wardround-site-policy/1', approveMembers: 'automatic' };
  for (const { folder } of sites) await writeFile(path.join(folder, 'policy.json'), JSON.stringify(policy));
}

/** The first round's session stays in that step: what another site says in it is lost until the line is good again. */
function holdStep({ proxy }: Consortium, step: string): void {
  proxy.setFate(({ method, path: asked, headers }) => {
    const isHeld = method === 'POST' && new RegExp(`/rounds/1/attempts/1/${step}$`).test(asked);
    return isHeld && headers.get(SIGNATURE_HEADERS.site.toLowerCase()) === others[0] ? 'lose-request' : 'pass';
  });
}

describe.concurrent('a site that is taken out in the middle of a round', () => {
  test.for([
    'advertise',
    'share-keys',
    'masked-input',
    'consistency',
    'unmask',
  ] as const)('fault 57: is revoked in %s, and is out of the round or the next within a minute', {
    timeout: 90_000,
  }, async (step) => {
    const plan = chaosPlan({ name: `revoked-${step}`, rounds: 2, quorum: 3, sessionDeadlineSeconds: 15 });
    let revokedAtMillis = 0;
    const make = async (consortium: Consortium, study: string) => {
      await approveAutomatically(consortium);
      holdStep(consortium, step);
      startAll(consortium);
      await untilState(consortium, study, (round) => {
        return (
          round?.session?.steps[step]?.messages[leaver] !== undefined ||
          (step === 'advertise' && round?.session?.trained[leaver] !== undefined)
        );
      });
      const admin = await openAdminClient(consortium.coordinatorFolder);
      revokedAtMillis = performance.now();
      await admin.post(`/v1/admin/sites/${leaver}/revocation`);
      const { sites } = (await consortium.state(study))!;
      expect(sites[leaver]).toMatchObject({ status: 'declined', reason: 'site-revoked' });
      // By then an attempt without it has begun, or the round is closed.
      await untilState(consortium, study, (round, { stages }) => {
        const [begun] = stages[0]!.rounds;
        return round !== begun || begun?.leftOut.some(({ site }) => site === leaver) === true || step === 'unmask';
      });
      expect(performance.now() - revokedAtMillis).toBeLessThan(60_000);
      consortium.proxy.heal();
    };
    const look = async ({ sites, evidence }: Consortium) => {
      expect(await readFile(sites.at(-1)!.logFile, 'utf8')).toContain('site-revoked');
      const later = evidence.acknowledged.filter(
        ({ site, round, attempt }) => site === leaver && (round > 1 || attempt > 1),
      );
      expect(later).toEqual([]);
    };
    const state = await throughFault(consortiumOf, { plan, make, look });
    expect(state.phase).toEqual({ kind: 'finished' });
    // Once shares were asked for, there is no other sum of the round.
    const isBound = step === 'unmask';
    expect(outcomesOf(state)).toEqual([isBound ? everybody : others, others]);
  });

  test('fault 57: changes its keys in the middle of a round, and takes part with the new ones', {
    timeout: 90_000,
  }, async () => {
    const plan = chaosPlan({ name: 'new-keys', rounds: 3, quorum: 3, sessionDeadlineSeconds: 15 });
    const make = async (consortium: Consortium, study: string) => {
      await approveAutomatically(consortium);
      holdStep(consortium, 'share-keys');
      startAll(consortium);
      await untilState(consortium, study, (round) => round?.session?.steps['share-keys'] !== undefined);
      await makeNextIdentity(consortium.sites.at(-1)!.folder);
      consortium.proxy.heal();
    };
    const look = async (consortium: Consortium) => {
      const { logFile, folder, joined } = consortium.sites.at(-1)!;
      await vi.waitFor(async () => expect(await readFile(logFile, 'utf8')).toContain('has new keys from now on'), {
        timeout: 20_000,
        interval: 100,
      });
      const now = await readSiteIdentity(folder);
      expect(publicKeys(now!).signingKey).not.toBe(publicKeys(joined.identity).signingKey);
      const next = await consortium.launch(chaosPlan({ name: 'with-new-keys', rounds: 1, quorum: 4 }));
      expect(outcomesOf(await consortium.untilOver(next))).toEqual([everybody]);
    };
    const state = await throughFault(consortiumOf, { plan, make, look });
    expect(state.phase).toEqual({ kind: 'finished' });
    expect(outcomesOf(state)).toEqual([everybody, everybody, everybody]);
  });
});
