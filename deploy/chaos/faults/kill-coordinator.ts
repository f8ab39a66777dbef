/** Kills a coordinator with SIGKILL at a failpoint, starts it again and holds it to its promises. */
import { beforeAll, describe, expect, test } from 'vitest';
import { chaosPlan } from '../consortium/chaos-plan.ts';
import { startConsortium } from '../consortium/start-consortium.ts';
import { assertPromises, modelsOf, watchLedgers } from '../oracles/promises.ts';
import { faultFreeModels } from './fault-free-models.ts';
import type { KillFault } from './kill-faults.ts';

const plan = chaosPlan({ name: 'kills', rounds: 2, quorum: 3 });

export function testCoordinatorKills(faults: readonly KillFault[]): void {
  let unharmed: readonly string[];
  beforeAll(async () => {
    unharmed = await faultFreeModels(plan, { sites: 3 });
  });

  describe.concurrent('a coordinator that is killed', () => {
    test.for(faults)('fault $number: in $phase, $point', { timeout: 90_000 }, async ({ phase, point, number }) => {
      // Each at another passing, in the first round or the second: of one commit or three messages.
      const passing = phase === 'commit' ? (number % 2) + 1 : (number % 6) + 1;
      const coordinator = { where: 'process', failpoint: `${phase}:${point}@${passing}` } as const;
      const consortium = await startConsortium({ sites: 3, coordinator });
      try {
        const assertLedgerMonotone = watchLedgers(consortium);
        const study = await consortium.launch(plan);
        for (const site of consortium.sites) site.start({ where: 'here' });
        expect(await consortium.coordinator().gone).toBe('SIGKILL');
        await assertLedgerMonotone();
        await consortium.startCoordinator({ where: 'process' });
        const state = await consortium.untilOver(study);
        expect(state.phase).toEqual({ kind: 'finished' });
        expect(modelsOf(state)).toEqual(unharmed);
        await assertLedgerMonotone();
        await assertPromises(consortium, state);
      } finally {
        await consortium.close();
      }
    });
  });
}
