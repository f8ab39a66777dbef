/** Fault 54: hospitals' proxies. Sockets are blocked, the wish for them is taken out, and TLS is opened and read. */
import { readAddress } from '@wardround/coordinator/storage/address-file.ts';
import { stateFolder } from '@wardround/coordinator/storage/state-folder.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { chaosPlan } from '../consortium/chaos-plan.ts';
import { oneHotVector } from '../consortium/one-hot.ts';
import { type Consortium, startConsortium } from '../consortium/start-consortium.ts';
import { openTap } from '../link/tap.ts';
import { assertPromises, modelsOf } from '../oracles/promises.ts';
import { faultFreeModels } from './fault-free-models.ts';

const plan = chaosPlan({ name: 'proxies', rounds: 2, quorum: 3 });
let unharmed: readonly string[];
beforeAll(async () => {
  unharmed = await faultFreeModels(plan, { sites: 3 });
}, 90_000);

/** Runs the study behind what `stand` sets up, and holds it to the promises. */
async function runBehind(stand: (consortium: Consortium) => Promise<() => Promise<void>>): Promise<void> {
  const consortium = await startConsortium({ sites: 3 });
  const check = await stand(consortium);
  try {
    const study = await consortium.launch(plan);
    for (const site of consortium.sites) site.start({ where: 'here' });
    const state = await consortium.untilOver(study, { timeoutMillis: 150_000 });
    expect(modelsOf(state)).toEqual(unharmed);
    await assertPromises(consortium, state);
    await check();
  } finally {
    await consortium.close();
  }
}

describe('a study behind a proxy', () => {
  test('fault 54: that takes the wish for a socket out of requests', { timeout: 180_000 }, async () => {
    await runBehind(async ({ proxy }) => {
      proxy.stripUpgrades(true);
      return async () => undefined;
    });
  });

  test('fault 54: that lets no socket through at all, so that work is asked for', { timeout: 180_000 }, async () => {
    await runBehind(async ({ proxy }) => {
      let blocked = 0;
      proxy.setFate(({ path }) => {
        if (!path.startsWith('/socket.io/')) return 'pass';
        blocked++;
        return 'lose-request';
      });
      return async () => expect(blocked).toBeGreaterThan(0);
    });
  });

  test('fault 54: that opens TLS and reads all of it: no update is in it', { timeout: 180_000 }, async () => {
    await runBehind(async ({ proxy, coordinatorFolder, sites }) => {
      const address = await readAddress(stateFolder(coordinatorFolder).address);
      const tap = await openTap(Number(new URL(address?.url ?? '').port));
      proxy.connectTo(tap.port);
      return async () => {
        const sent = tap.sent();
        await tap.close();
        // It has seen all that sites sent: where each message of each round went.
        for (const round of [1, 2]) {
          for (const step of ['advertise', 'masked-input', 'unmask']) {
            expect(sent.includes(`/rounds/${round}/attempts/1/${step}`)).toBe(true);
          }
          for (const position of sites.keys()) {
            const update = Buffer.from(oneHotVector({ position, of: sites.length, round }));
            for (const spelling of [update, update.toString('base64url'), update.toString('base64')]) {
              expect(sent.includes(spelling)).toBe(false);
            }
          }
        }
      };
    });
  });
});
