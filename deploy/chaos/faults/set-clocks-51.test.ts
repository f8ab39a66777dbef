/**
 * Fault 51: clocks that are wrong or are set in the middle of a round. Deadlines are of time that has passed, a site that is
 * refused for its clock is told the coordinator's time by a signed answer and goes by it, and the ledgers stay whole. Time
 * zones and summer time play no part: all times are milliseconds since 1970, but for the training hours of a site's policy
 * (client/policy/training-hours.test.ts).
 */
import { readFile } from 'node:fs/promises';
import { egressLedgerPath } from '@wardround/client/audit/audit-files.ts';
import { openEgressLedger } from '@wardround/client/audit/egress-ledger.ts';
import { readSiteIdentity } from '@wardround/client/state/site-identity.ts';
import type { StudyState } from '@wardround/protocols/round/state.ts';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { chaosPlan } from '../consortium/chaos-plan.ts';
import type { PartyOptions } from '../consortium/parties.ts';
import type { Consortium } from '../consortium/start-consortium.ts';
import { outcomesOf, siteNames, startAll, throughFault, untilState } from './through-fault.ts';

const MINUTE = 60_000;
/** A little less than the day up to which a site follows: tests take their time, too. */
const DAY = 1440 * MINUTE - 2 * MINUTE;
const JUMPS = [10 * MINUTE, -10 * MINUTE, DAY, -DAY];
const SKEW_MESSAGE = 'This clock differs from the coordinator’s; its time is used';

const realNow = Date.now;
/** Sets the clock of this process: of all sites that start afterwards, and of the coordinator where it runs here. */
function setClock(byMillis: number): void {
  vi.spyOn(Date, 'now').mockImplementation(() => realNow() + byMillis);
}
afterEach(() => void vi.restoreAllMocks());

/** Sets the clocks anew in the middle of every round. */
async function jumpInEveryRound(consortium: Consortium, study: string): Promise<void> {
  for (const [index, jump] of JUMPS.entries()) {
    await untilState(consortium, study, (round, state) => {
      return (round?.session !== undefined && round.round > index) || state.endedAtMillis !== null;
    });
    setClock(jump);
  }
}

async function assertLedgersWhole({ sites }: Consortium): Promise<void> {
  for (const { folder, party } of sites) {
    await party().stop();
    const ledger = await openEgressLedger(folder, { identity: (await readSiteIdentity(folder))! });
    const records = (await readFile(egressLedgerPath(folder), 'utf8')).split('\n').length - 1;
    expect(ledger.head().size).toBe(records);
    await ledger.close();
  }
}

const everybody = siteNames(3);

describe('clocks', () => {
  test.for<readonly [string, PartyOptions['where']]>([
    ['the sites', 'process'],
    ['the sites and the coordinator', 'here'],
  ])('fault 51: %s are set by ten minutes and a day, forth and back, in the middle of rounds', {
    timeout: 90_000,
  }, async ([_, where]) => {
    const rounds = JUMPS.length;
    const plan = chaosPlan({ name: 'clocks', rounds, quorum: 3 });
    const look = async (consortium: Consortium, state: StudyState) => {
      const said = await Promise.all(consortium.sites.map(({ logFile }) => readFile(logFile, 'utf8')));
      for (const log of said) expect(log.split(SKEW_MESSAGE).length - 1).toBeGreaterThanOrEqual(2);
      expect(outcomesOf(state)).toEqual(JUMPS.map(() => everybody));
      await assertLedgersWhole(consortium);
    };
    const make = async (consortium: Consortium, study: string) => {
      // Wrong from the beginning, where the coordinator is not.
      setClock(where === 'process' ? -10 * MINUTE : 0);
      startAll(consortium);
      await jumpInEveryRound(consortium, study);
    };
    const state = await throughFault({ sites: 3, coordinator: { where } }, { plan, make, look });
    expect(state.phase).toEqual({ kind: 'finished' });
  });

  test('fault 51: a coordinator whose clock is put back by a day waits for a silent site no longer than it may', {
    timeout: 90_000,
  }, async () => {
    const plan = chaosPlan({ name: 'waiting', rounds: 2, quorum: 3, sessionDeadlineSeconds: 6 });
    const [silent] = siteNames(4).slice(-1);
    let setAtMillis = 0;
    const make = async (consortium: Consortium, study: string) => {
      setClock(0);
      startAll(consortium);
      await untilState(consortium, study, (round) => round?.session?.steps['share-keys'] !== undefined);
      consortium.proxy.cutOff([silent!]);
      setClock(-DAY);
      setAtMillis = performance.now();
      await untilState(consortium, study, (_, { stages }) => stages[0]!.rounds[0]!.outcome !== null);
      expect(performance.now() - setAtMillis).toBeLessThan(40_000);
      consortium.proxy.heal();
    };
    const state = await throughFault({ sites: 4 }, { plan, make, look: assertLedgersWhole });
    expect(state.phase).toEqual({ kind: 'finished' });
  });

  test('fault 51: a clock that is more than a day off is refused by name, until somebody has set it', {
    timeout: 90_000,
  }, async () => {
    const plan = chaosPlan({ name: 'far-off', rounds: 1, quorum: 3 });
    const make = async (consortium: Consortium) => {
      setClock(26 * 60 * MINUTE);
      const [first] = consortium.sites;
      first!.start({ where: 'here' });
      const log = () => readFile(first!.logFile, 'utf8').catch(() => '');
      await vi.waitFor(async () => expect(await log()).toContain("Set the sender's clock"), { timeout: 20_000 });
      expect(await log()).not.toContain(SKEW_MESSAGE);
      await first!.party().stop();
      vi.restoreAllMocks();
      startAll(consortium);
    };
    const state = await throughFault({ sites: 3, coordinator: { where: 'process' } }, { plan, make });
    expect(outcomesOf(state)).toEqual([everybody]);
  });
});
