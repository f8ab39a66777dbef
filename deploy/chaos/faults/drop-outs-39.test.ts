/**
 * Fault 39: so many sites drop out in each step that exactly as many are left as are needed, or one less. With enough the
 * sum is exact; with one less the attempt ends, and begins again with everybody unless shares were asked for.
 */
import { PHASES } from '@wardround/protocols/secure-aggregation/messages.ts';
import { sessionParameters } from '@wardround/protocols/secure-aggregation/parameters.ts';
import { SIGNATURE_HEADERS } from '@wardround/shared/crypto/signed-request.ts';
import { describe, expect, test } from 'vitest';
import { chaosPlan } from '../consortium/chaos-plan.ts';
import type { Consortium } from '../consortium/start-consortium.ts';
import type { Awaited } from './pass-deadlines.ts';
import { outcomesOf, siteNames, startAll, throughFault } from './through-fault.ts';

const SITES = 4;
const { threshold } = sessionParameters(SITES);
const everybody = siteNames(SITES);
/** One round for each step in which sites drop out, and one without. */
const rounds = PHASES.length + 1;

/** From the step on that has the round's number, nothing of these sites arrives in the first attempt. */
const isAway =
  (sites: readonly string[]) =>
  ({ site, round, attempt, step }: Awaited): boolean =>
    attempt === 1 && sites.includes(site) && PHASES.indexOf(step) >= round - 1 && round < rounds;

function dropOut({ proxy }: Consortium, sites: readonly string[]): void {
  proxy.setFate(({ method, path, headers }) => {
    const [, round, attempt, step] = /\/rounds\/(\d)\/attempts\/(\d)\/([\w-]+)$/.exec(path) ?? [];
    if (method !== 'POST' || step === undefined) return 'pass';
    const site = headers.get(SIGNATURE_HEADERS.site) ?? '';
    const awaited = { site, round: Number(round), attempt: Number(attempt), step: step as Awaited['step'] };
    return isAway(sites)(awaited) ? 'lose-request' : 'pass';
  });
}

function withDropOuts(sites: readonly string[]) {
  const plan = chaosPlan({ name: `drop-outs-${sites.length}`, rounds, quorum: threshold });
  return throughFault(
    { sites: SITES },
    {
      plan,
      isAway: isAway(sites),
      async make(consortium) {
        dropOut(consortium, sites);
        startAll(consortium);
      },
    },
  );
}

describe.concurrent('drop-outs', () => {
  test('fault 39: exactly as many as are needed are left in each step, and every sum is exact', {
    timeout: 180_000,
  }, async () => {
    const state = await withDropOuts(everybody.slice(threshold));
    expect(state.phase).toEqual({ kind: 'finished' });
    const some = everybody.slice(0, threshold);
    // Who has masked an update is in the sum, whether or not it is there to see it.
    expect(outcomesOf(state)).toEqual([some, some, some, everybody, everybody, everybody]);
    for (const { session } of state.stages[0]!.rounds) expect(session).toMatchObject({ attempt: 1, aborts: [] });
  });

  test('fault 39: one less than are needed are left in each step: no sum, and it goes on', {
    timeout: 180_000,
  }, async () => {
    const state = await withDropOuts(everybody.slice(threshold - 1));
    expect(state.phase).toEqual({ kind: 'finished' });
    // Before anything was revealed it is the same round again, with the same trained updates and new keys.
    expect(outcomesOf(state)).toEqual(['quorum-not-met', everybody, everybody, everybody, 'too-few-shares', everybody]);
    const sessions = state.stages[0]!.rounds.map(({ session }) => session?.aborts.map(({ step }) => step));
    expect(sessions).toEqual([[], ['share-keys'], ['masked-input'], ['consistency'], ['unmask'], []]);
  });
});
