/** Fault 42: on every endpoint that sites use, a request is lost before it is handled and an answer after it was. */
import { beforeAll, describe, expect, test } from 'vitest';
import { chaosPlan } from '../consortium/chaos-plan.ts';
import { startConsortium } from '../consortium/start-consortium.ts';
import type { Fate, PassingRequest } from '../link/chaos-proxy.ts';
import { assertPromises, modelsOf } from '../oracles/promises.ts';
import { faultFreeModels } from './fault-free-models.ts';

const plan = chaosPlan({ name: 'losses', rounds: 2, quorum: 3 });
let unharmed: readonly string[];
beforeAll(async () => {
  unharmed = await faultFreeModels(plan, { sites: 3 });
});

/** The method and the route, without what differs from round to round. */
function endpointOf({ method, path }: PassingRequest): string {
  const route = path
    .replace(/\?.*/, '')
    .split('/')
    .map((part) => (/^([0-9a-f]{64}|\d+|[0-9a-f-]{36})$/.test(part) ? ':' : part));
  return `${method} ${route.join('/')}`;
}

describe('a line that loses messages', () => {
  test.for(['lose-request', 'lose-response'] as const)('fault 42: %s once on every endpoint, to the same weights', {
    timeout: 90_000,
  }, async (fate) => {
    const consortium = await startConsortium({ sites: 3 });
    const hit = new Set<string>();
    try {
      const study = await consortium.launch(plan);
      consortium.proxy.setFate((request): Fate => {
        const endpoint = endpointOf(request);
        if (hit.has(endpoint)) return 'pass';
        hit.add(endpoint);
        return fate;
      });
      for (const site of consortium.sites) site.start({ where: 'here' });
      const state = await consortium.untilOver(study);
      expect(state.phase).toEqual({ kind: 'finished' });
      expect(modelsOf(state)).toEqual(unharmed);
      await assertPromises(consortium, state);
      const steps = ['advertise', 'share-keys', 'masked-input', 'consistency', 'unmask'];
      const session = 'POST /v1/studies/:/stages/slices/rounds/:/attempts/:';
      const expected = ['GET /v1/work', 'POST /v1/studies/:/ready', 'POST /v1/studies/:/evaluation'];
      for (const endpoint of [...expected, ...steps.map((step) => `${session}/${step}`)])
        expect(hit).toContain(endpoint);
    } finally {
      await consortium.close();
    }
  });
});
