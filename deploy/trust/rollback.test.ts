/** A study with secure aggregation and a gate: a rollback and a skipped round, followed by sites that compute the model. */
import { startTestCoordinator, testPlan } from '@wardround/coordinator/testing/test-coordinator.ts';
import { checkStudyPlan } from '@wardround/protocols/study/parse-plan.ts';
import { afterEach, expect, test, vi } from 'vitest';
import { runSites } from './testing/run-sites.ts';
import { createSessionSite, type SiteHooks } from './testing/session-site.ts';

const names = ['basel', 'geneva', 'zurich'];
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

test('goes back to a model that every site has computed, skips a round whose shares were revealed, and finishes', {
  timeout: 120_000,
}, async () => {
  const base = testPlan({ rounds: 5 });
  const plan = checkStudyPlan({
    ...base,
    stages: base.stages.slice(0, 1),
    participation: { ...base.participation, sessionDeadlineSeconds: 8 },
    protection: { ...base.protection, mode: 'secure-aggregation', gate: { lossRise: 0.5 } },
  });
  const unmasked: string[] = [];
  const hooks: SiteHooks = {
    wrapLink: (link, site) => ({
      ...link,
      sendSessionMessage(work, offer, signal) {
        if (work.step === 'unmask') unmasked.push(`${site} ${work.round} ${work.attempt}`);
        // The model that the second round led to does badly everywhere.
        const { figures } = offer;
        const told = figures === null ? null : { ...figures, loss: work.round === 3 ? 9 : 1 };
        return link.sendSessionMessage(work, { ...offer, figures: told }, signal);
      },
    }),
    before(work, site) {
      const isLost = work.kind === 'secure-session' && work.step === 'unmask' && work.round === 4 && site !== 'basel';
      if (isLost) throw new Error('away');
    },
  };
  const coordinator = await startTestCoordinator();
  cleanUps.push(() => coordinator.close());
  const joined = await coordinator.join(...names);
  const sites = await Promise.all(joined.map((site) => createSessionSite(site, hooks)));
  const study = await coordinator.launch(plan);
  cleanUps.push(runSites(sites));
  await vi.waitFor(async () => expect((await coordinator.study(study)).state.endedAtMillis).not.toBeNull(), {
    timeout: 90_000,
    interval: 100,
  });
  const { state } = await coordinator.study(study);
  const log = sites.flatMap((site) => site.log.filter((line) => !line.includes('summary'))).join('\n');
  expect(state.phase, log).toEqual({ kind: 'finished' });
  const rounds = state.stages[0]!.rounds;
  expect(
    rounds.map(({ outcome }) => outcome?.kind),
    log,
  ).toEqual(['committed', 'committed', 'rolled-back', 'skipped', 'committed']);
  const [first, second, third, fourth, fifth] = rounds;
  expect(third?.outcome).toMatchObject({
    reason: 'training-loss-rose',
    model: second?.startModel,
    sum: expect.any(String),
    transcript: expect.any(String),
  });
  expect(first?.outcome).toMatchObject({ model: second?.startModel });
  expect(fourth).toMatchObject({ startModel: second?.startModel, outcome: { reason: 'too-few-shares' } });
  // Every site has followed the rollback by itself: it would have left the round otherwise.
  expect(fifth).toMatchObject({ startModel: second?.startModel, leftOut: [], outcome: { participants: names } });
  // Shares of a round leave a site once, for one session.
  expect(unmasked.filter((text) => text.includes(' 4 '))).toEqual(['basel 4 1']);
});
