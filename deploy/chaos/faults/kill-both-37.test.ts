/**
 * Fault 37: a site and the coordinator are killed where shares are revealed. The round commits from what both have on their
 * disks: all three sites are needed, so nobody else could end it, and nothing is revealed twice.
 */
import { SIGNATURE_HEADERS } from '@wardround/shared/crypto/signed-request.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { chaosPlan } from '../consortium/chaos-plan.ts';
import { modelsOf } from '../oracles/promises.ts';
import { faultFreeModels } from './fault-free-models.ts';
import { startAll, throughFault } from './through-fault.ts';

const plan = chaosPlan({ name: 'kill-both', rounds: 2, quorum: 3 });
let unharmed: readonly string[];
beforeAll(async () => {
  unharmed = await faultFreeModels(plan, { sites: 3 });
});

const cases = [
  { ofSite: 'before-journal', ofCoordinator: 'after-journal@1' },
  { ofSite: 'after-journal', ofCoordinator: 'before-journal@1' },
  { ofSite: 'after-journal', ofCoordinator: 'after-ack@2' },
  { ofSite: 'after-ack', ofCoordinator: 'after-journal@2' },
] as const;

describe.concurrent('a site and the coordinator, both killed at the reveal', () => {
  test.for(cases)('fault 37: the site $ofSite, the coordinator $ofCoordinator', {
    timeout: 180_000,
  }, async ({ ofSite, ofCoordinator }) => {
    const coordinator = { where: 'process', failpoint: `unmask:${ofCoordinator}` } as const;
    const state = await throughFault(
      { sites: 3, coordinator },
      {
        plan,
        async make(consortium) {
          const victim = consortium.sites[0]!;
          startAll(consortium, { [victim.site]: { where: 'process', failpoint: `unmask:${ofSite}` } });
          // The others wait with their shares until it is dead: the coordinator would die first, and the site never would.
          let isVictimAlive = true;
          consortium.proxy.setFate(({ method, path, headers }) => {
            const isReveal = method === 'POST' && path.endsWith('/unmask');
            const isVictim = headers.get(SIGNATURE_HEADERS.site) === victim.site;
            return isReveal && !isVictim && isVictimAlive ? 'lose-request' : 'pass';
          });
          expect(await victim.party().gone).toBe('SIGKILL');
          isVictimAlive = false;
          expect(await consortium.coordinator().gone).toBe('SIGKILL');
          await consortium.startCoordinator({ where: 'process' });
          victim.start({ where: 'process' });
        },
      },
    );
    expect(state.phase).toEqual({ kind: 'finished' });
    expect(modelsOf(state)).toEqual(unharmed);
  });
});
