/**
 * Fault 40: one site, half of them, or the coordinator is cut off for a while. Who can talk goes on by the deadlines; when the
 * line is back, everybody takes part again. The chaos proxy falls silent for those who are cut off; where a network of its
 * own can be made (`ip netns`), a site is cut off by taking its link down as well.
 */
import { writeMembership } from '@wardround/client/state/membership.ts';
import { sessionParameters } from '@wardround/protocols/secure-aggregation/parameters.ts';
import { describe, expect, test } from 'vitest';
import { chaosPlan } from '../consortium/chaos-plan.ts';
import { canMakeNetworks, openNetwork } from '../link/network-namespace.ts';
import { outcomesOf, siteNames, startAll, throughFault, untilState } from './through-fault.ts';

const SITES = 4;
const everybody = siteNames(SITES);
const { threshold } = sessionParameters(SITES);
const idleTimeoutMillis = 3000;

const cuts = [
  { name: 'one site', away: everybody.slice(-1) },
  { name: 'half of the sites', away: everybody.slice(-2) },
  { name: 'the coordinator', away: everybody },
];

describe.concurrent('a partition', () => {
  test.for(cuts)('fault 40: of $name, until it heals', { timeout: 180_000 }, async ({ name, away }) => {
    const plan = chaosPlan({ name: `cut-${away.length}`, rounds: 2, quorum: 3 });
    let isCut = false;
    const state = await throughFault(
      { sites: SITES, idleTimeoutMillis },
      {
        plan,
        isAway: ({ site }) => isCut && away.includes(site),
        async make(consortium, study) {
          startAll(consortium);
          await untilState(consortium, study, (round) => round?.session?.steps['share-keys'] !== undefined);
          consortium.proxy.cutOff(away);
          isCut = true;
          // Until the others have gone on without them, or could not.
          await untilState(
            consortium,
            study,
            (round) => round?.round === 2 || (round?.session?.aborts.length ?? 0) > 0 || round?.outcome != null,
          );
          consortium.proxy.heal();
          isCut = false;
        },
      },
    );
    expect(state.phase, name).toEqual({ kind: 'finished' });
    const [first, last] = outcomesOf(state);
    expect(last).toEqual(everybody);
    if (SITES - away.length >= threshold) {
      // Some may have said all that was needed before they were cut off.
      expect([everybody, everybody.filter((site) => !away.includes(site))]).toContainEqual(first);
    } else {
      expect(first).toEqual(everybody);
      expect(state.stages[0]!.rounds[0]!.session!.aborts.length).toBeGreaterThan(0);
    }
  });

  test('fault 40: of a site whose link is down, where a network can be made', { timeout: 180_000 }, async ({
    annotate,
  }) => {
    if (!canMakeNetworks()) {
      await annotate('no network can be made here: the silent proxy above takes its place');
      return;
    }
    const network = openNetwork();
    try {
      const plan = chaosPlan({ name: 'link-down', rounds: 2, quorum: 3 });
      let isCut = false;
      const state = await throughFault(
        { sites: SITES, idleTimeoutMillis, host: '0.0.0.0' },
        {
          plan,
          isAway: ({ site }) => isCut && site === everybody.at(-1),
          async make(consortium, study) {
            const { joined, folder } = consortium.sites.at(-1)!;
            const url = new URL(consortium.proxy.url);
            url.hostname = network.hostAddress;
            const coordinator = { ...joined.coordinator, url: url.origin };
            await writeMembership(folder, { site: joined.site, coordinator, dataDirectory: folder });
            startAll(consortium, { [joined.site]: { where: 'process', through: network.through } });
            await untilState(consortium, study, (round) => round?.session?.steps['share-keys'] !== undefined);
            network.cut();
            isCut = true;
            await untilState(consortium, study, (round) => round?.round === 2);
            network.heal();
            isCut = false;
          },
        },
      );
      expect(state.phase).toEqual({ kind: 'finished' });
      expect(outcomesOf(state).at(-1)).toEqual(everybody);
    } finally {
      network.close();
    }
  });
});
