/**
 * For load balancers and schedulers: whether this process lives, and whether what it depends on can be reached. Unsigned and
 * open to everybody, so the answers name nothing: no version, no study, no site, no reason.
 */
import { type Router as ExpressRouter, type Response, Router } from 'express';

/** Resolves when something that the coordinator depends on can be used. */
export type HealthCheck = () => Promise<unknown>;

/** Strangers ask as often as they like: what is behind is asked once in this time. */
const freshMillis = 1000;
/** Less than the patience of whoever asks. */
const patienceMillis = 4000;

export function healthRoutes(parts: {
  readonly checks: readonly HealthCheck[];
  readonly now: () => number;
  /** Another patience, for tests. */
  readonly patienceMillis?: number;
}): ExpressRouter {
  const { checks, now, patienceMillis: patience = patienceMillis } = parts;
  const router = Router();
  let last: { readonly atMillis: number; readonly isReady: Promise<boolean> } | null = null;

  const isReady = (): Promise<boolean> => {
    const nowMillis = now();
    if (last === null || Math.abs(nowMillis - last.atMillis) >= freshMillis) {
      last = { atMillis: nowMillis, isReady: allPass(checks, patience) };
    }
    return last.isReady;
  };

  router.get('/v1/health', (_request, response) => answer(response, { status: 200, state: 'live' }));
  router.get('/v1/ready', async (_request, response) => {
    answer(response, (await isReady()) ? { status: 200, state: 'ready' } : { status: 503, state: 'not-ready' });
  });
  return router;
}

function answer(response: Response, { status, state }: { readonly status: number; readonly state: string }): void {
  response.status(status).set('cache-control', 'no-store').json({ state });
}

async function allPass(checks: readonly HealthCheck[], patience: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), patience);
  });
  const passed = Promise.all(checks.map(async (check) => check())).then(
    () => true,
    () => false,
  );
  const result = await Promise.race([passed, late]);
  clearTimeout(timer);
  return result;
}
