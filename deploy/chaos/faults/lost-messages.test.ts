/**
 * Fault 42: on every endpoint that sites use, a request is lost before it is handled and an answer after it was. Which
 * endpoints there are is taken from the coordinator's own routes, so that a new one cannot be forgotten.
 */
import { auditRoutes } from '@wardround/coordinator/edge/audit-routes.ts';
import { blobRoutes } from '@wardround/coordinator/edge/blob-routes.ts';
import { rosterRoutes } from '@wardround/coordinator/edge/roster-routes.ts';
import { siteRoutes } from '@wardround/coordinator/edge/site-routes.ts';
import { transcriptRoutes } from '@wardround/coordinator/edge/transcript-routes.ts';
import { uploadRoutes } from '@wardround/coordinator/edge/upload-routes.ts';
import { systemClock } from '@wardround/coordinator/rounds/clock.ts';
import { PHASES } from '@wardround/protocols/secure-aggregation/messages.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { chaosPlan } from '../consortium/chaos-plan.ts';
import type { Consortium } from '../consortium/start-consortium.ts';
import type { Fate } from '../link/chaos-proxy.ts';
import { modelsOf } from '../oracles/promises.ts';
import { endpointOf } from './endpoint-of.ts';
import { faultFreeModels } from './fault-free-models.ts';
import { startAll, throughFault } from './through-fault.ts';

const plan = chaosPlan({ name: 'losses', rounds: 2, quorum: 3 });
const hash = 'a'.repeat(64);
let unharmed: readonly string[];
beforeAll(async () => {
  unharmed = await faultFreeModels(plan, { sites: 3 });
});

/** Of all routers that sites speak to; the administrator's are on the coordinator's own machine. */
function endpointsOfSites(): string[] {
  // Routes are made without looking at most of what they are made of.
  const parts = { clock: systemClock } as never;
  const routers = [siteRoutes, auditRoutes, blobRoutes, rosterRoutes, transcriptRoutes, uploadRoutes].map((make) =>
    make(parts, parts),
  );
  return routers.flatMap(({ stack }) =>
    stack.flatMap(({ route }) => {
      if (route === undefined) return [];
      const methods = [...new Set(route.stack.map(({ method }) => method.toUpperCase()))];
      return methods.map((method) => `${method} ${route.path.replaceAll(/:\w+/g, ':')}`);
    }),
  );
}

/** What a site asks in a study that uses secure aggregation, by route. */
const inStudy = [
  'GET /v1/work',
  'POST /v1/studies/:/ready',
  'GET /v1/studies/:/stages/:/chain',
  'GET /v1/studies/:/stages/:/rounds/:/attempts/:/:',
  'POST /v1/studies/:/stages/:/rounds/:/attempts/:/:',
  'POST /v1/studies/:/evaluation',
  'GET /v1/audit/checkpoint',
  'POST /v1/audit/cosignature',
  'GET /v1/blobs/:',
  'GET /v1/roster/:',
  'POST /v1/uploads',
  'PATCH /v1/uploads/:',
];

/** The others, as requests that a site repeats when it has heard nothing, with the answer that both times are to have. */
const besides: readonly {
  method: string;
  path: (study: string) => string;
  message?: unknown;
  status: number;
  code?: string;
}[] = [
  { method: 'GET', path: () => '/v1/identity', status: 200 },
  { method: 'POST', path: () => '/v1/enrolments', message: {}, status: 422, code: 'malformed-message' },
  { method: 'GET', path: (study) => `/v1/studies/${study}`, status: 200 },
  {
    method: 'POST',
    path: (study) => `/v1/studies/${study}/decline`,
    message: { reason: 'site-disk-full' },
    status: 409,
    code: 'study-over',
  },
  {
    method: 'POST',
    path: (study) => `/v1/studies/${study}/stages/slices/rounds/1/update`,
    message: { blob: hash, model: hash, layout: hash, figures: { loss: 1, steps: 1, samples: 1, seconds: 1 } },
    status: 409,
  },
  {
    method: 'POST',
    path: (study) => `/v1/studies/${study}/stages/slices/rounds/1/decline`,
    message: { reason: 'site-disk-full' },
    status: 409,
  },
  {
    method: 'POST',
    path: () => '/v1/progress',
    message: {
      study: hash,
      activity: 'training',
      stage: null,
      round: null,
      done: 1,
      total: 2,
      loss: null,
      perSecond: null,
      bytesSent: 0,
    },
    status: 200,
  },
  { method: 'POST', path: () => '/v1/roster/approvals', message: {}, status: 422 },
  { method: 'POST', path: () => '/v1/roster/rotations', message: {}, status: 422 },
  { method: 'GET', path: (study) => `/v1/studies/${study}/stages/slices/rounds/2/transcript?from=0`, status: 200 },
  {
    method: 'GET',
    path: (study) => `/v1/studies/${study}/stages/slices/rounds/2/transcript/vectors/site-01?from=0&bytes=64`,
    status: 200,
  },
  { method: 'OPTIONS', path: () => '/v1/uploads', status: 204 },
  { method: 'HEAD', path: () => `/v1/uploads/${hash}`, status: 404 },
  { method: 'DELETE', path: () => `/v1/uploads/${hash}`, status: 404 },
];

const names = new Set<string>([...PHASES, 'slices', 'site-01']);
const routeOf = (request: { readonly method: string; readonly path: string }): string =>
  endpointOf(request)
    .split('/')
    .map((part) => (names.has(part) ? ':' : part))
    .join('/');

/** Each of them is lost once and said again; that it was said before changes neither the answer nor the study. */
async function loseBesides(
  { proxy, sites }: Consortium,
  { study, fate }: { study: string; fate: Fate },
): Promise<void> {
  const { joined } = sites[0]!;
  for (const { method, path, message, status, code } of besides) {
    const ask = () =>
      joined.request(method, path(study), {
        headers: { 'tus-resumable': '1.0.0' },
        ...(message !== undefined && { body: JSON.stringify(message) }),
      });
    let isLost = false;
    proxy.setFate(() => {
      if (isLost) return 'pass';
      isLost = true;
      return fate;
    });
    await expect(ask(), `${method} ${path(study)} was to be lost`).rejects.toThrow();
    const again = await ask();
    expect([method, path(study), again.status]).toEqual([method, path(study), status]);
    if (code !== undefined) expect(again.body.code).toBe(code);
  }
}

describe.concurrent('a line that loses messages', () => {
  test('fault 42: every endpoint that sites can speak to is among those where messages are lost', () => {
    const covered = [...inStudy, ...besides.map(({ method, path }) => routeOf({ method, path: path(hash) }))];
    expect(endpointsOfSites().toSorted()).toEqual(covered.toSorted());
  });

  test.for(['lose-request', 'lose-response'] as const)('fault 42: %s once on every endpoint, to the same weights', {
    timeout: 180_000,
  }, async (fate) => {
    const hit = new Set<string>();
    const state = await throughFault(
      { sites: 3 },
      {
        plan,
        async make(consortium) {
          consortium.proxy.setFate((request): Fate => {
            const endpoint = endpointOf(request);
            if (hit.has(endpoint)) return 'pass';
            hit.add(endpoint);
            return fate;
          });
          startAll(consortium);
        },
        async look(consortium, before) {
          for (const site of consortium.sites) await site.party().stop();
          await loseBesides(consortium, { study: before.study, fate });
          expect(await consortium.state(before.study)).toEqual(before);
        },
      },
    );
    expect(state.phase).toEqual({ kind: 'finished' });
    expect(modelsOf(state)).toEqual(unharmed);
    const routes = [...hit].map((endpoint) => {
      const [method = '', path = ''] = endpoint.split(' ');
      return routeOf({ method, path });
    });
    expect(routes).toEqual(expect.arrayContaining(inStudy));
    for (const step of PHASES) expect([...hit].some((endpoint) => endpoint.endsWith(`/${step}`))).toBe(true);
  });
});
