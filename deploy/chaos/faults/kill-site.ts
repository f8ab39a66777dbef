/**
 * Kills a site with SIGKILL at a failpoint, starts it again and holds it to its promises. All three sites are needed, so the
 * round can only end with it: it takes its place again, trains nothing twice that it has kept, and reveals nothing twice.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { chaosPlan } from '../consortium/chaos-plan.ts';
import { startConsortium } from '../consortium/start-consortium.ts';
import { assertPromises, modelsOf, watchLedgers } from '../oracles/promises.ts';
import { faultFreeModels } from './fault-free-models.ts';
import type { KillFault } from './kill-faults.ts';

const plan = chaosPlan({ name: 'kills', rounds: 2, quorum: 3 });

export function testSiteKills(faults: readonly KillFault[]): void {
  let unharmed: readonly string[];
  beforeAll(async () => {
    unharmed = await faultFreeModels(plan, { sites: 3 });
  });

  describe.concurrent('a site that is killed', () => {
    test.for(faults)('fault $number: in $phase, $point', { timeout: 90_000 }, async ({ phase, point }) => {
      // In the first round where there is no second, else in the second.
      const passing = phase === 'ready' || point === 'before-journal' ? 1 : 2;
      const consortium = await startConsortium({ sites: 3 });
      try {
        const assertLedgerMonotone = watchLedgers(consortium);
        const study = await consortium.launch(plan);
        const [victim, ...others] = consortium.sites;
        for (const site of others) site.start({ where: 'here' });
        victim!.start({ where: 'process', failpoint: `${phase}:${point}@${passing}` });
        expect(await victim!.party().gone).toBe('SIGKILL');
        await assertLedgerMonotone();
        victim!.start({ where: 'process' });
        const state = await consortium.untilOver(study);
        expect(state.phase).toEqual({ kind: 'finished' });
        expect(modelsOf(state)).toEqual(unharmed);
        await assertLedgerMonotone();
        await assertPromises(consortium, state);
        const trained = (await victim!.trace()).flatMap((line) => (line.kind === 'trained' ? [line.round] : []));
        expect(trained).toEqual(phase === 'train' && point === 'before-journal' ? [1, 1, 2] : [1, 2]);
      } finally {
        await consortium.close();
      }
    });
  });
}
